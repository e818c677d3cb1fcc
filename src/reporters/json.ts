import { TextDecoder } from 'node:util';
import type { Event } from '../model/event.ts';
import type { ArtifactRecord, Findings, JobResult, ResourceUse } from '../model/outcome.ts';
import type { TestResults } from '../model/test-results.ts';
import { assertNever } from '../util/assert-never.ts';
import type { Output } from './output.ts';
import type { Reporter } from './reporter.ts';

/** Name and version of the shape of everything machine-readable that this program prints. */
export const schemaVersion = 'ci/1';

/** A job's result with its keys in their documented order; absent ones are left out. */
export function resultFields(result: JobResult): Record<string, unknown> {
  const { status, exitCode, failureReason, allowFailure } = result;
  return { status, exitCode, failureReason, allowFailure };
}

/** An artifact with its keys in order. */
export function artifactFields({ type, name, path, files, totalBytes }: ArtifactRecord): Record<string, unknown> {
  return { type, name, path, files, totalBytes };
}

/** What a job used with its keys in order; undefined: not known. */
export function resourceFields(use: ResourceUse | undefined): Record<string, unknown> | undefined {
  if (use === undefined) return undefined;
  const { cpuMs, memoryPeakBytes, networkReceivedBytes, networkSentBytes, diskReadBytes, diskWrittenBytes } = use;
  const whole = cpuMs === undefined ? undefined : Math.round(cpuMs);
  return { cpuMs: whole, memoryPeakBytes, networkReceivedBytes, networkSentBytes, diskReadBytes, diskWrittenBytes };
}

/** Test results with their keys in order; undefined: the job has no test reports. */
export function testFields(tests: TestResults | undefined): Record<string, unknown> | undefined {
  if (tests === undefined) return undefined;
  const { total, passed, failed, errors, skipped, durationMs, unreadable } = tests;
  const failures = tests.failures.map(({ kind, name, className, suite, file, message }) => ({
    ...{ kind, name, className, suite, file, message },
  }));
  return { total, passed, failed, errors, skipped, durationMs, failures, unreadable };
}

/** What a job did to environments, releases and sites, with keys in order; what there is none of is undefined. */
export function deploymentFields({ deployment, release, pages }: Findings): Record<string, unknown> {
  return {
    deployment: deployment && inOrder(deployment, ['environment', 'state', 'tier', 'url', 'onStop', 'autoStopIn']),
    release:
      release &&
      inOrder(release, [
        ...(['tagName', 'name', 'description', 'ref', 'tagMessage', 'milestones', 'releasedAt', 'links'] as const),
      ]),
    pages: pages && inOrder(pages, ['publish', 'path', 'pathPrefix', 'expireInMs']),
  };
}

function inOrder<T extends object>(data: T, keys: readonly (keyof T)[]): Partial<T> {
  return Object.fromEntries(keys.map((key) => [key, data[key]])) as Partial<T>;
}

/** Fields of an event besides `type`, `at` and `job`, in their documented order. Output has its own way. */
export function eventFields(event: Exclude<Event, { type: 'job-output' }>): Record<string, unknown> {
  switch (event.type) {
    case 'pipeline-planned':
      return plannedFields(event);
    case 'job-waiting':
      return { for: event.for, untilMs: event.untilMs };
    case 'job-started':
      return { attempt: event.attempt, logPath: event.logPath };
    case 'section-started':
      return { name: event.name, caption: event.caption, phase: event.phase };
    case 'section-finished':
      return { name: event.name, durationMs: event.durationMs };
    case 'image-pull': {
      const { image, state, layersDone, layersTotal, bytesDone, bytesTotal, durationMs } = event;
      return { image, state, layersDone, layersTotal, bytesDone, bytesTotal, durationMs };
    }
    case 'job-retried':
      return { attempt: event.attempt, reason: event.reason };
    case 'job-finished':
      return finishedFields(event);
    case 'notice':
    case 'warning':
      return { message: event.message };
    case 'pipeline-finished': {
      const jobs = Object.fromEntries(Object.entries(event.jobs).map(([id, result]) => [id, resultFields(result)]));
      return { status: event.status, durationMs: event.durationMs, jobs };
    }
    default:
      return assertNever(event);
  }
}

function plannedFields(event: Event & { type: 'pipeline-planned' }): Record<string, unknown> {
  const { runId, bridge, name, file, stages } = event;
  const jobs = event.jobs.map((job) => inOrder(job, ['id', 'name', 'stage', 'needs', 'when', 'executor']));
  return { runId, bridge, name, file, stages, jobs };
}

function finishedFields(event: Event & { type: 'job-finished' }): Record<string, unknown> {
  const { durationMs, attempts, coverage, haltedBy, message } = event.result;
  const artifacts = event.result.artifacts.map(artifactFields);
  return {
    ...resultFields(event.result),
    durationMs,
    attempts,
    coverage,
    haltedBy,
    message,
    because: event.because,
    artifacts,
    tests: testFields(event.result.tests),
    ...deploymentFields(event.result),
    resources: resourceFields(event.result.resources),
  };
}

/** `type`, `at` as ISO time, and `job` where the event has one. */
export function eventHead(event: Event): Record<string, unknown> {
  const at = new Date(event.at).toISOString();
  return { type: event.type, at, ...('job' in event && event.job !== undefined ? { job: event.job } : {}) };
}

interface Decoders {
  decode(event: Event & { type: 'job-output' }): string;
  /** What each stream of the job still held back: the begin of a character that never ended. */
  end(job: string): { readonly stream: string; readonly text: string }[];
  endAll(): { readonly job: string; readonly stream: string; readonly text: string }[];
}

function decoders(): Decoders {
  const jobs = new Map<string, Map<string, TextDecoder>>();
  const end: Decoders['end'] = (job) => {
    const streams = [...(jobs.get(job) ?? [])];
    jobs.delete(job);
    return streams.map(([stream, decoder]) => ({ stream, text: decoder.decode() })).filter(({ text }) => text !== '');
  };
  return {
    decode({ job, stream, bytes }) {
      let streams = jobs.get(job);
      if (!streams) {
        streams = new Map();
        jobs.set(job, streams);
      }
      let decoder = streams.get(stream);
      if (!decoder) {
        decoder = new TextDecoder('utf-8', { ignoreBOM: true });
        streams.set(stream, decoder);
      }
      return decoder.decode(bytes, { stream: true });
    },
    end,
    endAll: () => [...jobs.keys()].flatMap((job) => end(job).map((rest) => ({ job, ...rest }))),
  };
}

/**
 * One JSON object a line for each event, as the command line's documentation fixes it. The first object and every
 * `pipeline-planned` carry `schema`. Output is decoded a job and stream at a time, so no character is broken.
 */
export function jsonReporter(options: { readonly output: Output }): Reporter {
  const { output } = options;
  const decoding = decoders();
  let first = true;
  let lastAt = 0;

  function write(head: Record<string, unknown>, fields: Record<string, unknown>): void {
    const schema = first || head['type'] === 'pipeline-planned' ? { schema: schemaVersion } : {};
    first = false;
    output.write(`${JSON.stringify({ ...schema, ...head, ...fields })}\n`);
  }
  const writeRest = (job: string, at: number, rest: { stream: string; text: string }): void =>
    write({ type: 'job-output', at: new Date(at).toISOString(), job }, { stream: rest.stream, text: rest.text });

  return {
    on(event) {
      lastAt = event.at;
      if (event.type === 'job-output') {
        const text = decoding.decode(event);
        if (text !== '') write(eventHead(event), { stream: event.stream, text });
        return;
      }
      if (event.type === 'job-started' || event.type === 'job-finished') {
        for (const rest of decoding.end(event.job)) writeRest(event.job, event.at, rest);
      }
      write(eventHead(event), eventFields(event));
    },
    async close() {
      for (const rest of decoding.endAll()) writeRest(rest.job, lastAt, rest);
      await output.ready();
    },
  };
}
