import type { RunnerConfig, RunnerEntry } from '../../runner/config/runner-config.ts';
import { runnerTraits } from '../../runner/job/runner-traits.ts';
import type { OwnEnd } from '../../runner/manager/own-end.ts';
import { RunnerManager } from '../../runner/manager/runner-manager.ts';
import { RunnerState } from '../../runner/manager/runner-state.ts';
import { type RotationGiven, tokenRotation } from '../../runner/manager/token-rotation.ts';
import type { MetricSources } from '../../runner/metrics/runner-metrics.ts';
import { createClients } from '../../runner/network/create-client.ts';
import { runnerInfo } from '../../runner/network/features.ts';
import { credentialsOf } from '../../runner/registration/kept-runners.ts';
import type { RunnerLog } from '../../runner/runner-log.ts';
import { type RunnerWatcher, unwatched } from '../../runner/runner-watcher.ts';
import { resumeLeftTraces } from '../../runner/trace/resume-traces.ts';
import { anySignal } from '../../util/any-signal.ts';
import { systemClock } from '../../util/clock.ts';
import { exitCodes, signalExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { lookAfterTheDead } from './look-after-the-dead.ts';
import { runnerExecutors } from './runner-executors.ts';
import { identityOf } from './runner-file.ts';
import { runnerOutput } from './runner-output.ts';
import { runnerPace } from './runner-pace.ts';
import { openRunnerPages, processStateOf } from './runner-pages.ts';
import { openRunnerPlaces } from './runner-places.ts';
import { runnerReaper } from './runner-reaper.ts';
import { listenForSignals } from './runner-signals.ts';
import { openRunnerTerminals } from './runner-terminals.ts';
import { serverJobs } from './server-jobs.ts';

/** Where runners have their settings from. */
export interface RunnerSource {
  /** As it is now. */
  readonly config: () => RunnerConfig;
  /** Reads it again. */
  readonly refresh: (how: 'if-changed' | 'always') => void;
  readonly readings: () => { readonly loaded: number; readonly failed: number };
  /** Keeps new tokens. Absent: tokens stay as they are. */
  readonly tokens?: Pick<RotationGiven, 'canSave' | 'save'>;
  readonly systemId: string;
  /** Where `<host>.crt` is looked for. */
  readonly certificateDirectory?: string;
  /** Ends it without a signal; absent: never. */
  readonly ownEnd?: OwnEnd;
}

/** What `attend` works with. */
export interface Attendance {
  /** How the runner's own log looks. */
  readonly output: Pick<RunnerConfig, 'logFormat' | 'logLevel'>;
  readonly open: (log: RunnerLog) => Promise<RunnerSource>;
}

/** Takes jobs from servers and runs them until it is stopped. @returns the exit code of the command. */
export async function attend(invocation: Invocation, { output, open }: Attendance): Promise<number> {
  const clock = systemClock;
  const { env } = invocation;
  const pace = runnerPace(invocation);
  const say = runnerOutput(invocation, { format: output.logFormat, level: output.logLevel, now: clock.now });
  let watcher = unwatched;
  const log: RunnerLog = (level, message, fields) => {
    watcher.logged(level);
    say(level, message, fields);
  };
  const source = await open(log);
  const { config, systemId: id, certificateDirectory, ownEnd } = source;
  const places = openRunnerPlaces(invocation);
  const reaper = runnerReaper(invocation, places);
  const identity = identityOf(invocation);
  const executors = runnerExecutors(invocation, {
    ...{ places, reaper, runners: () => config().runners },
    warn: (text) => log('warning', text),
  });
  using signals = listenForSignals({
    reload: () => source.refresh('always'),
    tell: (text) => log('warning', text),
    dropEverything: executors.kill,
  });
  using drain = anySignal([signals.drain, ...(ownEnd === undefined ? [] : [ownEnd.signal])]);
  let manager: RunnerManager | undefined;
  const sources: MetricSources = {
    ...{ identity, systemId: id, config },
    stateOf: (runner) => manager?.stateOf(runner) ?? new RunnerState(runner, clock),
    processState: () => processStateOf(signals, manager === undefined ? 'starting' : 'running'),
    readings: source.readings,
  };
  const pages = await openRunnerPages(config().listenAddress, sources, log);
  watcher = pages.watcher;
  const terminals = await openRunnerTerminals(config, { clock, log });
  const clients = createClients({
    ...{ identity, log, clock, random: Math.random, env, observe: watcher.called },
    limits: { connectionMaxAgeMs: config().connectionMaxAgeMs, ...pace.network },
    ...(certificateDirectory === undefined ? {} : { certificateDirectory }),
  });
  const clientOf = (runner: RunnerEntry) => clients.of(credentialsOf(runner));
  const infoOf = (runner: RunnerEntry) =>
    runnerInfo(identity, runnerTraits(runner, { labels: config().labels, sessions: terminals.sessions }));
  const giveUp = new AbortController();
  const shared = { clock, log, giveUp: giveUp.signal };
  const lookingAfter = lookAfterTheDead({
    ...{ places, clock, log, pace: pace.dead, signal: giveUp.signal },
    report: () =>
      resumeLeftTraces({
        ...shared,
        directory: places.traces,
        limits: pace.trace,
        info: runnerInfo(identity),
        clientFor: (server) => clients.of({ ...server, token: '' }),
      }),
  });
  const runJob = serverJobs({
    ...{ invocation, places, executors, systemId: id, infoOf, watch: watcher.jobTaken, pace, terminals },
    ...shared,
  });
  const { tokens } = source;
  const rotation =
    tokens === undefined
      ? undefined
      : tokenRotation({
          ...{ clientOf, clock, log, canSave: tokens.canSave },
          save: (changes) => saved(tokens.save(changes), watcher),
        });
  manager = new RunnerManager(
    {
      ...{ config, clientOf, clock, log, fed: watcher.fed },
      answered: (runner, outcome) => {
        watcher.answered(runner, outcome);
        ownEnd?.answered(outcome);
      },
      refresh: async () => {
        source.refresh('if-changed');
        executors.release();
        rotation?.check(config().runners);
      },
      requestOf: (runner) => ({ info: infoOf(runner), systemId: id, ...terminals.offer(runner) }),
      runJob: async (job) => {
        const result = await runJob(job);
        ownEnd?.jobEnded(result === undefined ? 'never-began' : 'ran');
      },
    },
    { drain: drain.signal, interrupt: signals.interrupt },
  );
  const ended = await manager.run();
  await rotation?.settled(config().shutdownTimeoutMs);
  giveUp.abort();
  await lookingAfter;
  if (ended === 'timed-out') executors.kill();
  await executors.close();
  clients.close();
  await terminals.close();
  await pages.close();
  // Else the reaper does it, which ends what still runs there.
  if (ended === 'ended') {
    await places.remove().catch(() => {});
    reaper.dismiss();
  }
  const signal = signals.received();
  return signal === undefined ? exitCodes.ok : signalExitCode(signal);
}

async function saved(saving: Promise<void>, watcher: RunnerWatcher): Promise<void> {
  try {
    await saving;
    watcher.saved('saved');
  } catch (error) {
    watcher.saved('failed');
    throw error;
  }
}
