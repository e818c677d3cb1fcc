import type { Event, PlannedJob } from '../model/event.ts';
import type { ImagePull } from '../model/image-pull.ts';
import type { JobResult } from '../model/outcome.ts';
import { assertNever } from '../util/assert-never.ts';
import { unplannedJob } from './job-state.ts';
import { type LogTail, logTail } from './log-tail.ts';
import { isToolLine } from './tool-line.ts';

/** A job as the live tree shows it. */
export interface TreeJob {
  readonly id: string;
  readonly stage: string;
  state: 'waiting' | 'running' | 'finished';
  startedAt: number | undefined;
  attempt: number;
  /** Of the section it is in. */
  caption: string | undefined;
  /** By image, as long as they go on. */
  readonly pulls: Map<string, ImagePull>;
  waitsFor: 'resource-group' | 'delay' | undefined;
  tail: LogTail | undefined;
  result: JobResult | undefined;
  because: string | undefined;
}

/** What the live tree shows: a fold over events whose frames are drawn many times a second, so it keeps what they need. */
export interface TreeView {
  readonly stages: ReadonlyMap<string, readonly TreeJob[]>;
  readonly running: ReadonlySet<TreeJob>;
  /** Ids of the last few that finished, latest last. */
  readonly recent: readonly TreeJob[];
  readonly startedAt: number | undefined;
  readonly total: number;
  readonly finished: number;
  readonly failed: number;
  on(event: Event): void;
}

/** Enough for five lines of a wide terminal; the full log is on disk. */
const tailBytes = 4096;
const recentJobs = 5;

/** What the view is folded into. */
interface Tree {
  readonly jobs: Map<string, TreeJob>;
  readonly stages: Map<string, TreeJob[]>;
  readonly running: Set<TreeJob>;
  readonly recent: TreeJob[];
  startedAt: number | undefined;
  finished: number;
  failed: number;
}

/** Makes an empty TreeView. */
export function treeView(): TreeView {
  const tree: Tree = {
    ...{ jobs: new Map(), stages: new Map(), running: new Set(), recent: [] },
    ...{ startedAt: undefined, finished: 0, failed: 0 },
  };
  const { jobs, stages, running, recent } = tree;
  return {
    stages,
    running,
    recent,
    get startedAt() {
      return tree.startedAt;
    },
    get total() {
      return jobs.size;
    },
    get finished() {
      return tree.finished;
    },
    get failed() {
      return tree.failed;
    },
    on: (event) => take(tree, event),
  };
}

function take(tree: Tree, event: Event): void {
  tree.startedAt ??= event.at;
  switch (event.type) {
    case 'pipeline-planned':
      for (const job of event.jobs) if (!tree.jobs.has(job.id)) add(tree, placed(job, event.bridge));
      return;
    case 'job-waiting':
      jobOf(tree, event.job).waitsFor = event.for;
      return;
    case 'job-started':
      start(tree, jobOf(tree, event.job), event.at, event.attempt);
      return;
    case 'section-started':
      jobOf(tree, event.job).caption = event.caption;
      return;
    case 'image-pull':
      pull(jobOf(tree, event.job), event);
      return;
    case 'job-output':
      print(jobOf(tree, event.job), event);
      return;
    case 'job-finished':
      finish(tree, jobOf(tree, event.job), event.result, event.because);
      return;
    case 'pipeline-finished':
      for (const [id, result] of Object.entries(event.jobs)) finish(tree, jobOf(tree, id), result, undefined);
      return;
    case 'job-retried':
    case 'section-finished':
    case 'notice':
    case 'warning':
      return;
    default:
      assertNever(event);
  }
}

/** Stages of a pipeline that a bridge started are its own. */
function placed(job: PlannedJob, bridge: string | undefined): PlannedJob {
  return bridge === undefined ? job : { ...job, stage: `${bridge}: ${job.stage}` };
}

function jobOf(tree: Tree, id: string): TreeJob {
  return tree.jobs.get(id) ?? add(tree, unplannedJob(id));
}

function add({ jobs, stages }: Tree, { id, stage }: PlannedJob): TreeJob {
  const empty = { startedAt: undefined, caption: undefined, waitsFor: undefined, tail: undefined };
  const end = { result: undefined, because: undefined };
  const job: TreeJob = { id, stage, state: 'waiting', attempt: 0, pulls: new Map(), ...empty, ...end };
  jobs.set(id, job);
  const members = stages.get(stage);
  if (members) members.push(job);
  else stages.set(stage, [job]);
  return job;
}

function start({ running }: Tree, job: TreeJob, at: number, attempt: number): void {
  job.state = 'running';
  job.startedAt ??= at;
  job.attempt = attempt;
  job.caption = undefined;
  job.waitsFor = undefined;
  job.pulls.clear();
  job.tail?.clear();
  running.add(job);
}

function pull(job: TreeJob, event: ImagePull): void {
  if (event.state === 'started' || event.state === 'progressed') job.pulls.set(event.image, event);
  else job.pulls.delete(event.image);
}

function print(job: TreeJob, event: Event & { type: 'job-output' }): void {
  if (job.state !== 'running' || isToolLine(event)) return;
  job.tail ??= logTail(tailBytes);
  job.tail.append(event.bytes);
}

function finish(tree: Tree, job: TreeJob, result: JobResult, because: string | undefined): void {
  if (job.state === 'finished') return;
  job.state = 'finished';
  job.tail = undefined;
  job.result = result;
  job.because = because;
  tree.running.delete(job);
  tree.finished++;
  if (result.status === 'failed' && !result.allowFailure) tree.failed++;
  tree.recent.push(job);
  if (tree.recent.length > recentJobs) tree.recent.shift();
}
