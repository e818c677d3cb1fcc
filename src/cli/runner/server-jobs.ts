import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { JobDeps } from '../../job/job-run.ts';
import { runJob } from '../../job/run-job.ts';
import { type Outcome, SystemError } from '../../model/outcome.ts';
import type { LogSink } from '../../model/ports.ts';
import { serverArtifacts } from '../../runner/artifacts/server-artifacts.ts';
import type { RunnerEntry } from '../../runner/config/runner-config.ts';
import { acknowledgeJob } from '../../runner/job/acknowledge-job.ts';
import { isFlagOn } from '../../runner/job/feature-flag.ts';
import { exitWordsOf, greetingOf } from '../../runner/job/greeting.ts';
import { jobResult } from '../../runner/job/job-result.ts';
import { type JobSlotSource, type JobSlots, jobSlots } from '../../runner/job/job-slots.ts';
import { jobSpecOf, type ServerJob } from '../../runner/job/job-spec-of.ts';
import { jobWarnings } from '../../runner/job/job-warnings.ts';
import { serverCertificates } from '../../runner/job/server-certificates.ts';
import type { TakenJob } from '../../runner/manager/runner-manager.ts';
import type { RunnerInfo } from '../../runner/network/features.ts';
import { type RunnerLog, shortToken } from '../../runner/runner-log.ts';
import type { RunnerWatcher, WatchedJob } from '../../runner/runner-watcher.ts';
import { checkoutDirectory, type KeptCheckout, keptCheckouts } from '../../runner/sources/kept-checkouts.ts';
import { pathParts } from '../../runner/sources/path-parts.ts';
import type { JobTrace } from '../../runner/trace/job-trace.ts';
import { jobTokenPrefixes } from '../../runner/trace/token-prefixes.ts';
import type { TraceResult } from '../../runner/trace/trace-record.ts';
import { anySignal } from '../../util/any-signal.ts';
import type { Clock } from '../../util/clock.ts';
import { removeTree } from '../../util/files/remove-tree.ts';
import { markerName } from '../../util/process-strays.ts';
import type { Invocation } from '../invocation.ts';
import { runnerFacts } from '../run/job-runner.ts';
import { jobCaches } from './job-caches.ts';
import type { ExecutorLease, RunnerExecutors } from './runner-executors.ts';
import type { RunnerPace } from './runner-pace.ts';
import type { RunnerPlaces } from './runner-places.ts';
import type { RunnerTerminals } from './runner-terminals.ts';
import { jobLogOf, openTrace } from './server-job-log.ts';
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
  using waiting = anySignal([parts.giveUp, taken.interrupted]);
  const telling = { clock: parts.clock, signal: waiting.signal, pace: parts.pace.acknowledge };
  let trace: JobTrace;
  try {
    trace = await openTrace(taken, parts, info);
  } catch (error) {
    parts.log('error', `The job can't be run: ${(error as Error).message}`, fields);
    const failed: TraceResult = { state: 'failed', failureReason: 'runner_system_failure', exitCode: 0 };
    // A job that waits for its runner can't fail: it has to begin first.
    const begun = await acknowledgeJob(() => client.updateJob(job, { state: 'running', info }), telling);
    if (begun.state !== 'abort') await acknowledgeJob(() => client.updateJob(job, { ...failed, info }), telling);
    return failed;
  }
  const begun = await acknowledgeJob(() => client.updateJob(job, { state: 'running', info }), telling);
  if (begun.state === 'abort') {
    await trace.drop();
    parts.log('warning', 'The job is over before it began', fields);
    return undefined;
  }
  trace.start();
  const begunAt = parts.clock.now();
  parts.log('info', 'Job has begun', { ...fields, name: job.jobInfo.name });
  // One that was canceled before it began is told so whatever the server lists.
  const early = begun.state !== 'failed' && begun.cancelRequested ? canceledEarly : undefined;
  const outcome =
    begun.state === 'failed'
      ? unheard
      : early
        ? canceled
        : await outcomeOf(taken, parts, { trace, log: jobLogOf(taken, parts, trace), watch });
  watch.worked(outcome);
  const result = early ?? jobResult(outcome, job.features.failureReasons);
  const reported = await trace.finish(result);
  const durationMs = parts.clock.now() - begunAt;
  tellEnd(parts.log, { fields: { ...fields, name: job.jobInfo.name }, outcome, result, reported, durationMs });
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
    const deps = { ...(await depsFor(taken, parts, { ...own, ...listeners })), ...parts.door, caches };
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

async function depsFor(
  { runner, client }: TakenJob,
  parts: SharedParts,
  given: Listeners &
    Pick<KeptCheckout, 'tls'> &
    Pick<ExecutorLease, 'executor'> & {
      readonly made: ServerJob;
      readonly directory: string;
      readonly slots: JobSlots;
      readonly buildsDir: string;
    },
): Promise<JobDeps> {
  const { made, directory, tls, slots, buildsDir, executor, watch } = given;
  const { invocation, places, clock, log } = parts;
  const { job, secrets } = made;
  const token = shortToken(runner.token);
  const say: RunnerLog = (level, message, fields) => {
    log(level, message, fields);
    const more = Object.entries(fields ?? {}).map(([key, value]) => ` ${key}=${value}`);
    void given.log.write(Buffer.from(`${message.padEnd(44)}${more.join('')}\n`)).catch(() => {});
  };
  return {
    executor,
    artifacts: serverArtifacts({
      ...{ client, clock, log: say, job, directory },
      directDownload: isFlagOn('FF_USE_DIRECT_DOWNLOAD', { runner, job, otherwise: true }) ? 'on' : 'off',
      timeouts: { totalMs: runner.artifact.uploadTimeoutMs, headersMs: runner.artifact.responseHeaderTimeoutMs },
    }),
    sources: keptCheckouts({
      directory: checkoutDirectory({
        buildsDir,
        shortToken: token,
        concurrentProjectId: slots.concurrentProjectId,
        projectPath: made.projectPath,
        projectId: job.jobInfo.projectId,
      }),
      // Found by it, should we be killed.
      env: { ...invocation.env, [markerName]: join(places.own, 'git') },
      ...{ tls, clock },
    }),
    emit: watch.emit,
    clock,
    runner: { ...runnerFacts(invocation.version), shortToken: token },
    greeting: { ...greetingOf({ runner, job, systemId: parts.systemId }), warnings: jobWarnings({ runner, job }) },
    exitWords: exitWordsOf(made.spec.executor),
    concurrentId: slots.concurrentId,
    concurrentProjectId: slots.concurrentProjectId,
    secrets,
    tokenPrefixes: jobTokenPrefixes({
      own: job.features.tokenMaskPrefixes,
      defaults: isFlagOn('FF_MASK_ALL_DEFAULT_TOKENS', { runner, job, otherwise: true }) ? 'all' : 'personal',
    }),
    sections: job.features.traceSections ? 'markers' : 'plain',
  };
}
