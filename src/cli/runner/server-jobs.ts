import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { JobDeps } from '../../job/job-run.ts';
import { runJob } from '../../job/run-job.ts';
import { type Outcome, SystemError } from '../../model/outcome.ts';
import type { LogSink } from '../../model/ports.ts';
import type { RunnerEntry } from '../../runner/config/runner-config.ts';
import { beginJob, refuseJob } from '../../runner/job/begin-job.ts';
import { jobResult } from '../../runner/job/job-result.ts';
import { type JobSlotSource, jobSlots } from '../../runner/job/job-slots.ts';
import { jobSpecOf } from '../../runner/job/job-spec-of.ts';
import { serverCertificates } from '../../runner/job/server-certificates.ts';
import type { TakenJob } from '../../runner/manager/runner-manager.ts';
import type { RunnerInfo } from '../../runner/network/features.ts';
import type { JobUpdated } from '../../runner/network/gitlab-client.ts';
import { type RunnerLog, type RunnerLogFields, shortToken } from '../../runner/runner-log.ts';
import type { RunnerWatcher, WatchedJob } from '../../runner/runner-watcher.ts';
import { pathParts } from '../../runner/sources/path-parts.ts';
import type { JobTrace } from '../../runner/trace/job-trace.ts';
import type { TraceResult } from '../../runner/trace/trace-record.ts';
import { anySignal } from '../../util/any-signal.ts';
import type { Clock } from '../../util/clock.ts';
import { removeTree } from '../../util/files/remove-tree.ts';
import type { Invocation } from '../invocation.ts';
import { jobCaches } from './job-caches.ts';
import type { RunnerExecutors } from './runner-executors.ts';
import type { RunnerPace } from './runner-pace.ts';
import type { RunnerPlaces } from './runner-places.ts';
import type { RunnerTerminals } from './runner-terminals.ts';
import { serverJobDeps } from './server-job-deps.ts';
import { openTrace } from './server-job-log.ts';
import { tellEnd } from './tell-end.ts';

/** What running jobs of servers needs. */
export interface ServerJobParts {
  readonly invocation: Invocation;
  readonly places: RunnerPlaces;
  readonly executors: RunnerExecutors;
  readonly systemId: string;
  readonly infoOf: (runner: RunnerEntry) => RunnerInfo;
  /** Looks at each job, for statistics. */
  readonly watch: RunnerWatcher['jobTaken'];
  readonly clock: Clock;
  readonly pace: RunnerPace;
  readonly terminals: Pick<RunnerTerminals, 'begin'>;
  readonly log: RunnerLog;
  /** Sending of logs ends at once; they stay on the disk. */
  readonly giveUp: AbortSignal;
}

/** The same, and what all jobs of the process share, and what is made for each. */
interface SharedParts extends ServerJobParts {
  readonly slots: JobSlotSource;
  /** Of this job: found before the server hears that it runs. */
  readonly door: Pick<JobDeps, 'visitors'>;
}

const canceled: Outcome = { status: 'canceled' };

const canceledEarly: TraceResult = { state: 'failed', failureReason: 'job_canceled', exitCode: 0 };

const unheard: Outcome = {
  status: 'failed',
  reason: 'runner_system_failure',
  message: 'the server could not be told that the job begins',
};

/**
 * Makes what runs one job of a server from its first update to its last; it tells the server whatever happens.
 * @returns what the server was told; undefined: it knew that the job is over.
 */
export function serverJobs(given: ServerJobParts): (taken: TakenJob) => Promise<TraceResult | undefined> {
  const parts = { ...given, slots: jobSlots() };
  return async (taken) => {
    const watch = parts.watch(taken);
    await using visitors = parts.terminals.begin(taken);
    const door = visitors === undefined ? {} : { visitors };
    let result: TraceResult | undefined;
    try {
      result = await fromFirstToLast(taken, { ...parts, door }, watch);
      return result;
    } finally {
      watch.ended(result);
    }
  };
}

async function fromFirstToLast(
  taken: TakenJob,
  parts: SharedParts,
  watch: WatchedJob,
): Promise<TraceResult | undefined> {
  const { runner, client, answer } = taken;
  const { job } = answer;
  const fields = { job: job.id, project: job.jobInfo.projectId, runner: shortToken(runner.token) };
  const info = parts.infoOf(runner);
  const trace = await openTrace(taken, parts, info).catch((error: Error) => {
    parts.log('error', `The job can't be run: ${error.message}`, fields);
    return undefined;
  });
  using waiting = anySignal([parts.giveUp, taken.interrupted]);
  const telling = { client, job, info, clock: parts.clock, signal: waiting.signal, pace: parts.pace.acknowledge };
  if (trace === undefined) return refuseJob(telling);
  const begun = await beginJob(telling);
  if (begun.state !== 'abort') return begunJob(taken, parts, { trace, watch, begun, fields });
  await trace.drop();
  parts.log('warning', 'The job is over before it began', fields);
  return undefined;
}

/** The server has heard that the job begins, or can't be told. */
async function begunJob(
  taken: TakenJob,
  parts: SharedParts,
  given: Pick<Listeners, 'trace' | 'watch'> & { readonly begun: JobUpdated; readonly fields: RunnerLogFields },
): Promise<TraceResult> {
  const { trace, watch, begun } = given;
  const { features, jobInfo } = taken.answer.job;
  const fields = { ...given.fields, name: jobInfo.name };
  trace.start();
  const begunMs = parts.clock.elapsed();
  parts.log('info', 'Job has begun', fields);
  // One that was canceled before it began is told so whatever the server lists.
  const early = begun.state !== 'failed' && begun.cancelRequested ? canceledEarly : undefined;
  const outcome =
    begun.state === 'failed'
      ? unheard
      : early
        ? canceled
        : await outcomeOf(taken, parts, { trace, log: trace.sink, watch });
  watch.worked(outcome);
  const result = early ?? jobResult(outcome, features.failureReasons);
  const reported = await trace.finish(result);
  const durationMs = parts.clock.elapsed() - begunMs;
  tellEnd(parts.log, { fields, outcome, result, reported, durationMs });
  return result;
}

/** What one job is looked at by. */
interface Listeners {
  readonly trace: JobTrace;
  /** Where all of the job's log is written to. */
  readonly log: LogSink;
  readonly watch: WatchedJob;
}

/** Runs the job; bugs of ours end it as a failure of the machine, and are logged. */
async function outcomeOf(taken: TakenJob, parts: SharedParts, listeners: Listeners): Promise<Outcome> {
  const { trace, log } = listeners;
  const { runner, answer, interrupted } = taken;
  const directory = join(
    parts.places.jobs,
    `${answer.job.id}-${createHash('sha256').update(answer.job.token).digest('hex').slice(0, 12)}`,
  );
  using ended = anySignal([trace.abort, interrupted]);
  try {
    const { variables: certificates, paths: tls } = await serverCertificates(answer.caChain, runner, directory);
    const buildsDir = ownBuildsDir(runner) ?? parts.places.builds;
    const { projectId } = answer.job.jobInfo;
    await using lease = await parts.executors.lease(runner);
    await using slots = await parts.slots.take({ buildsDir, projectId, shortToken: shortToken(runner.token) });
    if (slots.isInherited) await parts.places.freeDead();
    const made = jobSpecOf(answer.job, runner, { certificates, numbers: slots });
    await using caches = await jobCaches({
      ...{ runner, directory, job: answer.job, caches: parts.places.caches, env: parts.invocation.env },
      ...{ project: pathParts(made.projectPath), clock: parts.clock, log: parts.log },
    });
    const own = { made, directory, tls, slots, buildsDir, executor: lease.executor };
    const deps = { ...serverJobDeps(taken, parts, { ...own, ...listeners }), ...parts.door, caches };
    const { outcome } = await runJob({ spec: made.spec, cancel: trace.cancel, abort: ended.signal, log }, deps);
    return outcome;
  } catch (error) {
    const message = (error as Error).message;
    const isOurs = !(error instanceof SystemError);
    parts.log('error', `The job failed: ${isOurs ? ((error as Error).stack ?? message) : message}`, {
      job: answer.job.id,
    });
    const text = `\x1b[31;1mERROR: Job failed (system failure): ${message}\x1b[0;m\n`;
    // A disk that takes no more must not keep the server from hearing of it.
    await log.write(Buffer.from(text)).catch(() => {});
    return { status: 'failed', reason: isOurs ? 'runner_system_failure' : error.reason, message };
  } finally {
    await removeTree(directory).catch(() => {});
  }
}

/** With other executors `builds_dir` is a place where the job is. */
function ownBuildsDir({ executor, buildsDir }: RunnerEntry): string | undefined {
  return executor === 'shell' ? buildsDir : undefined;
}
