import type { JobDescription } from '../description.ts';
import { matches } from './matching.ts';
import { isFinished, type Job, type JobStatus, type Pipeline } from './model.ts';
import { currentJobs, isPassed, jobsBefore, turnOf } from './order.ts';
import { type Store, tickQueue } from './store.ts';

/** Changes a job's status, writes its history, and does what follows: the queue, later jobs. */
export function setStatus(store: Store, job: Job, status: JobStatus, reason?: string): void {
  job.status = status;
  job.updatedAtMs = store.now();
  job.history.push({ status, atMs: store.now(), ...(reason === undefined ? {} : { reason }) });
  if (status === 'running') job.startedAtMs = store.now();
  if (status === 'pending') {
    job.queuedAtMs = store.now();
    for (const runner of store.runners.values()) if (matches(runner, job)) tickQueue(store, runner);
  }
  for (const listener of [...store.jobListeners]) listener(job);
  if (isFinished(job) || status === 'manual') advance(store, job.pipeline);
}

/** Starts, skips or parks every job whose turn has come. */
export function advance(store: Store, pipeline: Pipeline): void {
  for (const job of currentJobs(pipeline)) {
    const before = job.status === 'created' ? jobsBefore(job) : [];
    // A skipped job's change has done what follows from it already.
    if (job.status === 'created' && before.every(isPassed)) setStatus(store, job, turnOf(job, before));
  }
}

/** A job's script has succeeded. One that is being cancelled ends as cancelled. */
export function succeed(store: Store, job: Job): void {
  setStatus(store, job, job.status === 'canceling' ? 'canceled' : 'success');
}

/** How often a job is retried though its file doesn't say so. */
const defaultRetries: Readonly<Record<string, number>> = { scheduler_failure: 2, runner_provisioning_timeout: 2 };

/** A job has failed, or the server gives it up. A new try takes its place where the file, or the reason, asks for one. */
export function drop(store: Store, job: Job, reason: string, exitCode?: number): void {
  if (isFinished(job)) return;
  job.waitingForAck = undefined;
  job.failureReason = reason;
  job.exitCode = exitCode;
  if (job.status === 'canceling') {
    setStatus(store, job, 'canceled', reason);
    return;
  }
  const again = job.retries < allowedRetries(job.description, reason);
  if (again) job.retriedBy = addJob(store, job.pipeline, job.description, job.retries + 1).id;
  setStatus(store, job, 'failed', reason);
  if (again) setStatus(store, store.jobs.get(job.retriedBy!)!, 'pending');
}

function allowedRetries({ retry }: JobDescription, reason: string): number {
  const { max, when } = typeof retry === 'object' ? retry : { max: retry ?? 0, when: undefined };
  const asked = when === undefined || when.includes('always') || when.includes(reason) ? max : 0;
  return Math.max(asked, defaultRetries[reason] ?? 0);
}

/**
 * Somebody presses "cancel". A running job whose runner can do so gracefully turns `canceling` and ends when the runner
 * says so; a second time (`force`) it is cancelled at once, as all others are.
 */
export function cancel(store: Store, job: Job, how: 'gracefully' | 'force' = 'gracefully'): void {
  if (isFinished(job)) return;
  const waits = job.status === 'running' && job.cancelGracefully && how === 'gracefully';
  if (!waits) job.waitingForAck = undefined;
  setStatus(store, job, waits ? 'canceling' : 'canceled');
}

/** Somebody starts a finished job again: a new one with a new id and token. */
export function retry(store: Store, job: Job): Job {
  const next = addJob(store, job.pipeline, job.description, 0);
  job.retriedBy = next.id;
  setStatus(store, next, 'pending');
  return next;
}

/** Somebody erases a job's log and artifacts. */
export function erase(job: Job): void {
  job.erased = true;
  job.trace.length = 0;
  job.traceSize = 0;
  job.artifacts.clear();
}

/** Puts a job into a pipeline, not started yet. */
export function addJob(store: Store, pipeline: Pipeline, description: JobDescription, retries: number): Job {
  const job: Job = {
    id: store.nextId(),
    token: `glcbt-64_${store.secret(20)}`,
    description,
    pipeline,
    stage: description.stage ?? 'test',
    status: 'created',
    history: [{ status: 'created', atMs: store.now() }],
    runner: undefined,
    managerId: undefined,
    waitingForAck: undefined,
    cancelGracefully: false,
    trace: [],
    traceSize: 0,
    debugTrace: false,
    watched: false,
    pendingStateAtMs: undefined,
    checksums: [],
    artifacts: new Map(),
    dotenv: new Map(),
    failureReason: undefined,
    exitCode: undefined,
    erased: false,
    queuedAtMs: store.now(),
    startedAtMs: undefined,
    updatedAtMs: store.now(),
    tokenExpiresAtMs: Number.POSITIVE_INFINITY,
    session: {},
    handedOut: 0,
    retriedBy: undefined,
    retries,
  };
  pipeline.jobs.push(job);
  store.jobs.set(job.id, job);
  return job;
}
