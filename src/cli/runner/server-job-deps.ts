import { join } from 'node:path';
import type { JobDeps } from '../../job/job-run.ts';
import { maskingTables } from '../../masking/masking-tables.ts';
import type { LogSink } from '../../model/ports.ts';
import { serverArtifacts } from '../../runner/artifacts/server-artifacts.ts';
import { isFlagOn } from '../../runner/job/feature-flag.ts';
import { exitWordsOf, greetingOf } from '../../runner/job/greeting.ts';
import type { JobSlots } from '../../runner/job/job-slots.ts';
import type { ServerJob } from '../../runner/job/job-spec-of.ts';
import { jobWarnings } from '../../runner/job/job-warnings.ts';
import type { TakenJob } from '../../runner/manager/runner-manager.ts';
import { type RunnerLog, shortToken } from '../../runner/runner-log.ts';
import type { WatchedJob } from '../../runner/runner-watcher.ts';
import { checkoutDirectory, type KeptCheckout, keptCheckouts } from '../../runner/sources/kept-checkouts.ts';
import { jobTokenPrefixes } from '../../runner/trace/token-prefixes.ts';
import type { Clock } from '../../util/clock.ts';
import { markerName } from '../../util/process-strays.ts';
import type { Invocation } from '../invocation.ts';
import { runnerFacts } from '../run/job-runner.ts';
import type { ExecutorLease } from './runner-executors.ts';
import type { RunnerPlaces } from './runner-places.ts';

/** What jobs of servers have in common. */
export interface ServerDepsParts {
  readonly invocation: Invocation;
  readonly places: Pick<RunnerPlaces, 'own'>;
  readonly systemId: string;
  readonly clock: Clock;
  readonly log: RunnerLog;
}

/** What is one job's own. */
export interface ServerDepsGiven extends Pick<KeptCheckout, 'tls'>, Pick<ExecutorLease, 'executor'> {
  readonly made: ServerJob;
  /** On this machine, for what the job needs beside it. */
  readonly directory: string;
  readonly slots: JobSlots;
  /** Where sources are kept; absolute. */
  readonly buildsDir: string;
  /** Where all of the job's log is written to. */
  readonly log: LogSink;
  readonly watch: WatchedJob;
}

/** What a job of a server is run with; but for its caches. */
export function serverJobDeps({ runner, client }: TakenJob, parts: ServerDepsParts, given: ServerDepsGiven): JobDeps {
  const { made, directory, tls, slots, buildsDir, executor, watch } = given;
  const { invocation, places, clock, log } = parts;
  const { job, secrets } = made;
  const token = shortToken(runner.token);
  return {
    executor,
    artifacts: serverArtifacts({
      ...{ client, clock, log: alsoTo(given.log, log), job, directory },
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
      fetchesAs: executor.name === 'shell' ? 'user' : 'job',
      ...{ tls, clock },
    }),
    emit: watch.emit,
    clock,
    runner: { ...runnerFacts(invocation.version), shortToken: token },
    greeting: { ...greetingOf({ runner, job, systemId: parts.systemId }), warnings: jobWarnings({ runner, job }) },
    exitWords: exitWordsOf(made.spec.executor),
    cancelWords: 'script canceled externally (UI, API)',
    concurrentId: slots.concurrentId,
    concurrentProjectId: slots.concurrentProjectId,
    secrets,
    // What is masked is the server's to say.
    maskingTables: maskingTables({ shortest: 1 }),
    tokenPrefixes: jobTokenPrefixes({
      own: job.features.tokenMaskPrefixes,
      defaults: isFlagOn('FF_MASK_ALL_DEFAULT_TOKENS', { runner, job, otherwise: true }) ? 'all' : 'personal',
    }),
    sections: job.features.traceSections ? 'markers' : 'plain',
  };
}

/** Lines of the runner's own log that the job's shows, too. */
function alsoTo(jobLog: LogSink, log: RunnerLog): RunnerLog {
  return (level, message, fields) => {
    log(level, message, fields);
    const more = Object.entries(fields ?? {}).map(([key, value]) => ` ${key}=${value}`);
    void jobLog.write(Buffer.from(`${message.padEnd(44)}${more.join('')}\n`)).catch(() => {});
  };
}
