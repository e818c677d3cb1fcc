import type { Event } from '../model/event.ts';
import { assertNever } from '../util/assert-never.ts';
import { criticalPath } from './critical-path.ts';
import {
  appendOutput,
  finishJob,
  type JobState,
  jobSummary,
  newJobState,
  startJob,
  unplannedJob,
  type Writable,
} from './job-state.ts';
import type { Counts, JobSummary, Message, RunSummary } from './run-summary.ts';
import { isToolLine } from './tool-line.ts';

/** Takes events, gives the summary of those seen so far. */
export interface SummaryFold {
  on(event: Event): void;
  summary(): RunSummary;
}

/** What is known of a run so far. */
interface RunState {
  readonly head: Writable<Omit<RunSummary, 'jobs' | 'counts' | 'criticalPath' | 'messages' | 'stages'>>;
  readonly stages: string[];
  readonly jobs: Map<string, JobState>;
  readonly messages: Message[];
}

/** Makes a fold that turns events into a RunSummary. Memory is bounded: per job some KiB, whatever it prints. */
export function summaryFold(): SummaryFold {
  const run: RunState = { head: { status: 'running', durationMs: 0 }, stages: [], jobs: new Map(), messages: [] };
  return { on: (event) => take(run, event), summary: () => summaryOf(run) };
}

function take(run: RunState, event: Event): void {
  const { head, messages } = run;
  head.startedAt ??= event.at;
  if (head.status === 'running') head.durationMs = event.at - head.startedAt;
  switch (event.type) {
    case 'pipeline-planned':
      takePlan(run, event);
      return;
    case 'job-waiting':
      jobOf(run, event.job).summary.waitedFor = event.for;
      return;
    case 'job-started':
      startJob(jobOf(run, event.job), event);
      return;
    case 'section-started': {
      const { name, caption, phase } = event;
      jobOf(run, event.job).sections.push({ name, caption, phase });
      return;
    }
    case 'section-finished': {
      const section = jobOf(run, event.job).sections.findLast(({ name }) => name === event.name);
      if (section) section.durationMs = event.durationMs;
      return;
    }
    case 'job-output':
      if (!isToolLine(event)) appendOutput(jobOf(run, event.job), event.bytes);
      return;
    case 'image-pull':
      return;
    case 'job-retried':
      jobOf(run, event.job).summary.attempts = event.attempt;
      return;
    case 'job-finished':
      finishJob(jobOf(run, event.job), event.result, event.at, event.because);
      return;
    case 'notice':
    case 'warning':
      messages.push(messageOf(event));
      return;
    case 'pipeline-finished':
      takeEnd(run, event);
      return;
    default:
      assertNever(event);
  }
}

function jobOf({ jobs }: RunState, id: string): JobState {
  const known = jobs.get(id);
  if (known) return known;
  const made = newJobState(unplannedJob(id));
  jobs.set(id, made);
  return made;
}

function takePlan({ head, stages, jobs }: RunState, event: Event & { type: 'pipeline-planned' }): void {
  // A child pipeline is planned while the run goes on: the first plan names the run.
  if (head.runId === undefined) {
    head.runId = event.runId;
    head.file = event.file;
    if (event.name !== undefined) head.name = event.name;
  }
  for (const stage of event.stages) if (!stages.includes(stage)) stages.push(stage);
  for (const job of event.jobs) {
    const known = jobs.get(job.id);
    jobs.set(job.id, known ? { ...known, planned: job } : newJobState(job));
  }
}

function messageOf({ type: kind, message, job }: Event & { type: 'notice' | 'warning' }): Message {
  return { kind, message, ...(job === undefined ? {} : { job }) };
}

function takeEnd(run: RunState, event: Event & { type: 'pipeline-finished' }): void {
  run.head.status = event.status;
  run.head.durationMs = event.durationMs;
  for (const [id, result] of Object.entries(event.jobs)) {
    const job = jobOf(run, id);
    if (job.summary.finishedAt === undefined) finishJob(job, result, event.at, undefined);
  }
}

function summaryOf({ head, stages, jobs, messages }: RunState): RunSummary {
  const list = [...jobs.values()].map(jobSummary);
  const byId = new Map(list.map((job) => [job.id, job]));
  const queued = list.map((job) => withQueue(job, byId, head.startedAt));
  const counts = count(queued);
  return { ...head, stages: [...stages], jobs: queued, counts, criticalPath: criticalPath(queued), messages };
}

/** The summary of a recorded list of events. */
export function summarize(events: Iterable<Event>): RunSummary {
  const fold = summaryFold();
  for (const event of events) fold.on(event);
  return fold.summary();
}

function withQueue(
  job: JobSummary,
  byId: ReadonlyMap<string, JobSummary>,
  runStartedAt: number | undefined,
): JobSummary {
  if (job.startedAt === undefined || runStartedAt === undefined) return job;
  let readyAt = runStartedAt;
  for (const need of job.needs) readyAt = Math.max(readyAt, byId.get(need)?.finishedAt ?? readyAt);
  return { ...job, queueMs: Math.max(0, job.startedAt - readyAt) };
}

function count(jobs: readonly JobSummary[]): Counts {
  const counts = { success: 0, failed: 0, canceled: 0, skipped: 0, manual: 0, allowedFailures: 0, unfinished: 0 };
  for (const job of jobs) {
    if (job.status === 'waiting' || job.status === 'running') counts.unfinished++;
    else if (job.status === 'failed' && job.allowFailure) counts.allowedFailures++;
    else counts[job.status]++;
  }
  return counts;
}
