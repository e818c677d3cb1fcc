import type { RunnerConfig } from '../../runner/config/runner-config.ts';
import type { RunnerManager } from '../../runner/manager/runner-manager.ts';
import { RunnerState } from '../../runner/manager/runner-state.ts';
import type { MetricSources } from '../../runner/metrics/runner-metrics.ts';
import type { Clients } from '../../runner/network/create-client.ts';
import { runnerInfo } from '../../runner/network/features.ts';
import type { RunnerLog } from '../../runner/runner-log.ts';
import { type RunnerWatcher, unwatched } from '../../runner/runner-watcher.ts';
import { resumeLeftTraces } from '../../runner/trace/resume-traces.ts';
import { systemClock } from '../../util/clock.ts';
import { exitCodes, signalExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { lookAfterTheDead } from './look-after-the-dead.ts';
import { managedRunners, type RunnerBase, type RunnerSource, runnerClients } from './managed-runners.ts';
import { runnerExecutors } from './runner-executors.ts';
import { identityOf } from './runner-file.ts';
import { runnerOutput } from './runner-output.ts';
import { runnerPace } from './runner-pace.ts';
import { openRunnerPages, processStateOf } from './runner-pages.ts';
import { openRunnerPlaces } from './runner-places.ts';
import { runnerReaper } from './runner-reaper.ts';
import { listenForSignals } from './runner-signals.ts';
import { openRunnerTerminals } from './runner-terminals.ts';

/** What `attend` works with. */
export interface Attendance {
  /** How the runner's own log looks. */
  readonly output: Pick<RunnerConfig, 'logFormat' | 'logLevel'>;
  readonly open: (log: RunnerLog) => Promise<RunnerSource>;
}

/** Takes jobs from servers and runs them until it is stopped. @returns the exit code of the command. */
export async function attend(invocation: Invocation, { output, open }: Attendance): Promise<number> {
  const pace = runnerPace(invocation);
  const said = watchedLog(invocation, output);
  const { log } = said;
  const source = await open(log);
  const places = openRunnerPlaces(invocation);
  const reaper = runnerReaper(invocation, places);
  const executors = runnerExecutors(invocation, {
    ...{ places, reaper, runners: () => source.config().runners },
    warn: (text) => log('warning', text),
  });
  using signals = listenForSignals({
    reload: () => source.refresh('always'),
    tell: (text) => log('warning', text),
    dropEverything: executors.kill,
  });
  const base: RunnerBase = { invocation, clock, pace, log, source, places, executors, signals };
  let manager: RunnerManager | undefined;
  const pages = await openRunnerPages(
    source.config().listenAddress,
    metricSources(base, () => manager),
    log,
  );
  said.watch(pages.watcher);
  const terminals = await openRunnerTerminals(source.config, { clock, log });
  const clients = runnerClients(base, pages.watcher);
  const giveUp = new AbortController();
  const lookingAfter = lookAfterTheDead({
    ...{ places, clock, log, pace: pace.dead, signal: giveUp.signal },
    report: () => reportLeft(base, clients, giveUp.signal),
  });
  const made = managedRunners(base, { watcher: pages.watcher, terminals, clients, giveUp: giveUp.signal });
  manager = made.manager;
  const ended = await made.run();
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

const clock = systemClock;

/** Sends what processes that have died left unsaid. */
function reportLeft({ invocation, log, places, pace }: RunnerBase, clients: Clients, giveUp: AbortSignal) {
  return resumeLeftTraces({
    ...{ clock, log, giveUp, directory: places.traces, limits: pace.trace },
    info: runnerInfo(identityOf(invocation)),
    clientFor: (server) => clients.of({ ...server, token: '' }),
  });
}

/** A log whose lines are counted, too, once there is somebody who does. */
function watchedLog(invocation: Invocation, { logFormat, logLevel }: Attendance['output']) {
  const say = runnerOutput(invocation, { format: logFormat, level: logLevel, now: clock.now });
  let watcher = unwatched;
  return {
    log: (...[level, message, fields]: Parameters<RunnerLog>): void => {
      watcher.logged(level);
      say(level, message, fields);
    },
    watch: (one: RunnerWatcher): void => {
      watcher = one;
    },
  };
}

function metricSources(
  { invocation, source, signals }: RunnerBase,
  manager: () => RunnerManager | undefined,
): MetricSources {
  return {
    ...{ identity: identityOf(invocation), systemId: source.systemId, config: source.config },
    stateOf: (runner) => manager()?.stateOf(runner) ?? new RunnerState(runner, clock),
    processState: () => processStateOf(signals, manager() === undefined ? 'starting' : 'running'),
    readings: source.readings,
  };
}
