import type { Event, PlannedJob } from '../model/event.ts';
import type { JobResult } from '../model/outcome.ts';
import { type LogTail, logTail } from './log-tail.ts';
import type { JobSummary, SectionSummary } from './run-summary.ts';

const tailLines = 50;
const tailBytes = 16 * 1024;
/** Most lines and characters kept of a job that ended well: thousands of them must fit into memory. */
const successTailLines = 20;
const tailLineCharacters = 2000;

/** A type without its `readonly`s, for what is being built. */
export type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** What is known of a job while events come in. */
export interface JobState {
  readonly planned: PlannedJob;
  readonly summary: Writable<Omit<JobSummary, keyof PlannedJob | 'tail' | 'sections'>>;
  sections: Writable<SectionSummary>[];
  tail: LogTail | readonly string[];
}

/** A job that has not started. */
export function newJobState(planned: PlannedJob): JobState {
  return {
    planned,
    summary: { status: 'waiting', durationMs: 0, attempts: 0, allowFailure: false, artifacts: [] },
    sections: [],
    tail: [],
  };
}

/** The planned part of a job that no `pipeline-planned` named. */
export function unplannedJob(id: string): PlannedJob {
  const slash = id.lastIndexOf('/');
  return {
    id,
    name: id,
    stage: slash > 0 ? id.slice(0, slash) : '',
    needs: [],
    when: 'on_success',
    executor: 'shell',
  };
}

/** Takes output; what comes after the end (cleaning up) is in the log alone. */
export function appendOutput(job: JobState, bytes: Uint8Array): void {
  if (!('append' in job.tail)) {
    if (job.summary.finishedAt !== undefined) return;
    job.tail = logTail(tailBytes);
  }
  job.tail.append(bytes);
}

/** A try begins: what the last one left is forgotten. */
export function startJob(job: JobState, event: Event & { type: 'job-started' }): void {
  job.summary.status = 'running';
  job.summary.startedAt ??= event.at;
  job.summary.attempts = event.attempt;
  job.summary.logPath = event.logPath;
  job.sections = [];
  if ('clear' in job.tail) job.tail.clear();
}

/** The job has ended for good: of its output only lines stay. */
export function finishJob(job: JobState, result: JobResult, at: number, because: string | undefined): void {
  Object.assign(job.summary, result, { finishedAt: at, ...(because === undefined ? {} : { because }) });
  if (!('append' in job.tail)) return;
  const lines = job.tail.lines(result.status === 'success' ? successTailLines : tailLines);
  job.tail = lines.map((line) => (line.length > tailLineCharacters ? `${line.slice(0, tailLineCharacters)}…` : line));
}

/** The job as of now. */
export function jobSummary(job: JobState): JobSummary {
  const tail = 'append' in job.tail ? job.tail.lines(tailLines) : job.tail;
  return { ...job.planned, ...job.summary, sections: job.sections.map((section) => ({ ...section })), tail };
}
