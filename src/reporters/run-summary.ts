import type { Event, PlannedJob } from '../model/event.ts';
import type { ArtifactRecord, FailureReason, FinalStatus, JobResult } from '../model/outcome.ts';
import type { Phase } from '../model/step.ts';
import { assertNever } from '../util/assert-never.ts';
import { criticalPath } from './critical-path.ts';
import { type LogTail, logTail } from './log-tail.ts';

/** What became of a run, or of what has happened of it so far. Plain data: every summary and report is made of it. */
export interface RunSummary {
  readonly runId?: string;
  /** `workflow:name`. */
  readonly name?: string;
  readonly file?: string;
  /** `running`: the pipeline has not finished. */
  readonly status: FinalStatus | 'running';
  /** Of the first event, milliseconds since the Unix epoch. */
  readonly startedAt?: number;
  readonly durationMs: number;
  readonly stages: readonly string[];
  /** In the order of the plan; jobs that came up later (child pipelines) after them. */
  readonly jobs: readonly JobSummary[];
  readonly counts: Counts;
  /** Ids of the jobs, in order of time, each of which the next had to wait for, up to the one that ended last. */
  readonly criticalPath: readonly string[];
  readonly messages: readonly Message[];
}

/** How many jobs ended how. Allowed failures are counted in `allowedFailures` and not in `failed`. */
export type Counts = Readonly<Record<FinalStatus | 'allowedFailures' | 'unfinished', number>>;

export interface Message {
  readonly kind: 'notice' | 'warning';
  readonly message: string;
  readonly job?: string;
}

export interface JobSummary extends PlannedJob {
  readonly status: FinalStatus | 'waiting' | 'running';
  /** Of the first try; absent if it never started. */
  readonly startedAt?: number;
  readonly finishedAt?: number;
  readonly durationMs: number;
  /** From the moment at which its needs had ended to its start: waiting for a free place, a delay, a resource group. */
  readonly queueMs?: number;
  readonly waitedFor?: 'resource-group' | 'delay';
  /** Of the last try. */
  readonly sections: readonly SectionSummary[];
  readonly attempts: number;
  readonly allowFailure: boolean;
  readonly exitCode?: number;
  readonly failureReason?: FailureReason;
  readonly message?: string;
  readonly because?: string;
  /** The last lines of its output, at most 50; colours kept, other sequences gone. */
  readonly tail: readonly string[];
  readonly logPath?: string;
  readonly coverage?: number;
  readonly artifacts: readonly ArtifactRecord[];
}

export interface SectionSummary {
  readonly name: string;
  readonly caption: string;
  readonly phase: Phase;
  readonly durationMs?: number;
}

/** Takes events, gives the summary of those seen so far. */
export interface SummaryFold {
  on(event: Event): void;
  summary(): RunSummary;
}

const tailLines = 50;
const tailBytes = 16 * 1024;
/** Most lines and characters kept of a job that ended well: thousands of them must fit into memory. */
const successTailLines = 20;
const tailLineCharacters = 2000;

type Writable<T> = { -readonly [K in keyof T]: T[K] };
interface JobState {
  readonly planned: PlannedJob;
  readonly summary: Writable<Omit<JobSummary, keyof PlannedJob | 'tail' | 'sections'>>;
  sections: Writable<SectionSummary>[];
  tail: LogTail | readonly string[];
}

function newJob(planned: PlannedJob): JobState {
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

/** Makes a fold that turns events into a RunSummary. Memory is bounded: per job some KiB, whatever it prints. */
export function summaryFold(): SummaryFold {
  const jobs = new Map<string, JobState>();
  const head: Writable<Omit<RunSummary, 'jobs' | 'counts' | 'criticalPath' | 'messages' | 'stages'>> = {
    status: 'running',
    durationMs: 0,
  };
  const stages: string[] = [];
  const messages: Message[] = [];

  const jobOf = (id: string): JobState => {
    const known = jobs.get(id);
    if (known) return known;
    const made = newJob(unplannedJob(id));
    jobs.set(id, made);
    return made;
  };

  function planned(event: Event & { type: 'pipeline-planned' }): void {
    // A child pipeline is planned while the run goes on: the first plan names the run.
    if (head.runId === undefined) {
      head.runId = event.runId;
      head.file = event.file;
      if (event.name !== undefined) head.name = event.name;
    }
    for (const stage of event.stages) if (!stages.includes(stage)) stages.push(stage);
    for (const job of event.jobs) {
      const known = jobs.get(job.id);
      jobs.set(job.id, known ? { ...known, planned: job } : newJob(job));
    }
  }

  function output(event: Event & { type: 'job-output' }): void {
    const job = jobOf(event.job);
    if (!('append' in job.tail)) {
      // Output after the end (cleaning up) is in the log; the tail is that of the job.
      if (job.summary.finishedAt !== undefined) return;
      job.tail = logTail(tailBytes);
    }
    job.tail.append(event.bytes);
  }

  return {
    on(event) {
      head.startedAt ??= event.at;
      if (head.status === 'running') head.durationMs = event.at - head.startedAt;
      switch (event.type) {
        case 'pipeline-planned':
          planned(event);
          return;
        case 'job-waiting':
          jobOf(event.job).summary.waitedFor = event.for;
          return;
        case 'job-started':
          started(jobOf(event.job), event);
          return;
        case 'section-started': {
          const { name, caption, phase } = event;
          jobOf(event.job).sections.push({ name, caption, phase });
          return;
        }
        case 'section-finished': {
          const section = jobOf(event.job).sections.findLast(({ name }) => name === event.name);
          if (section) section.durationMs = event.durationMs;
          return;
        }
        case 'job-output':
          output(event);
          return;
        case 'job-retried':
          jobOf(event.job).summary.attempts = event.attempt;
          return;
        case 'job-finished':
          finished(jobOf(event.job), event.result, event.at, event.because);
          return;
        case 'notice':
        case 'warning': {
          const { type: kind, message, job } = event;
          messages.push({ kind, message, ...(job === undefined ? {} : { job }) });
          return;
        }
        case 'pipeline-finished':
          head.status = event.status;
          head.durationMs = event.durationMs;
          for (const [id, result] of Object.entries(event.jobs)) {
            const job = jobOf(id);
            if (job.summary.finishedAt === undefined) finished(job, result, event.at, undefined);
          }
          return;
        default:
          assertNever(event);
      }
    },
    summary() {
      const list = [...jobs.values()].map(jobSummary);
      const byId = new Map(list.map((job) => [job.id, job]));
      const queued = list.map((job) => withQueue(job, byId, head.startedAt));
      const counts = count(queued);
      return { ...head, stages: [...stages], jobs: queued, counts, criticalPath: criticalPath(queued), messages };
    },
  };
}

/** The summary of a recorded list of events. */
export function summarize(events: Iterable<Event>): RunSummary {
  const fold = summaryFold();
  for (const event of events) fold.on(event);
  return fold.summary();
}

function started(job: JobState, event: Event & { type: 'job-started' }): void {
  job.summary.status = 'running';
  job.summary.startedAt ??= event.at;
  job.summary.attempts = event.attempt;
  job.summary.logPath = event.logPath;
  job.sections = [];
  if ('clear' in job.tail) job.tail.clear();
}

function finished(job: JobState, result: JobResult, at: number, because: string | undefined): void {
  Object.assign(job.summary, result, { finishedAt: at, ...(because === undefined ? {} : { because }) });
  if (!('append' in job.tail)) return;
  const lines = job.tail.lines(result.status === 'success' ? successTailLines : tailLines);
  job.tail = lines.map((line) => (line.length > tailLineCharacters ? `${line.slice(0, tailLineCharacters)}…` : line));
}

function jobSummary(job: JobState): JobSummary {
  const tail = 'append' in job.tail ? job.tail.lines(tailLines) : job.tail;
  return { ...job.planned, ...job.summary, sections: job.sections.map((section) => ({ ...section })), tail };
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
