import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { editConfigFile } from '../../runner/config/config-file.ts';
import type { ConfigEdit } from '../../runner/config/edit-config.ts';
import type { RunnerEntry } from '../../runner/config/runner-config.ts';
import { runnerTraits } from '../../runner/job/runner-traits.ts';
import { RunnerManager } from '../../runner/manager/runner-manager.ts';
import { RunnerState } from '../../runner/manager/runner-state.ts';
import { rotateTokens } from '../../runner/manager/token-rotation.ts';
import { WatchedConfig } from '../../runner/manager/watched-config.ts';
import type { MetricSources } from '../../runner/metrics/runner-metrics.ts';
import { createClients } from '../../runner/network/create-client.ts';
import { runnerInfo } from '../../runner/network/features.ts';
import { credentialsOf } from '../../runner/registration/kept-runners.ts';
import type { RunnerLog } from '../../runner/runner-log.ts';
import { type RunnerWatcher, unwatched } from '../../runner/runner-watcher.ts';
import { systemId } from '../../runner/system-id.ts';
import { resumeLeftTraces } from '../../runner/trace/resume-traces.ts';
import { systemClock } from '../../util/clock.ts';
import { exitCodes, signalExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { findLocations } from '../locations.ts';
import { engineLocation } from '../run/executors.ts';
import { startReaper } from '../run/reaper.ts';
import { runnerExecutors } from '../runner/runner-executors.ts';
import { asCommand, identityOf, type RunnerFileOptions, runnerFilePath } from '../runner/runner-file.ts';
import { runnerOutput } from '../runner/runner-output.ts';
import { runnerPace } from '../runner/runner-pace.ts';
import { openRunnerPages, processStateOf } from '../runner/runner-pages.ts';
import { listenForSignals } from '../runner/runner-signals.ts';
import { type RunnerPlaces, serverJobs } from '../runner/server-jobs.ts';

/** `ci runner run`: takes jobs from the servers of the file until it is stopped. */
export function runnerRun(invocation: Invocation, _: readonly string[], options: RunnerFileOptions): Promise<number> {
  return asCommand(() => attend(invocation, runnerFilePath(invocation, options)));
}

async function attend(invocation: Invocation, path: string): Promise<number> {
  const clock = systemClock;
  const { env } = invocation;
  const pace = runnerPace(invocation);
  const quiet = runnerOutput(invocation, { format: 'runner', level: 'warning', now: clock.now });
  const { logFormat, logLevel } = new WatchedConfig(path, env, quiet).current.config;
  const say = runnerOutput(invocation, { format: logFormat, level: logLevel, now: clock.now });
  let watcher = unwatched;
  const log: RunnerLog = (level, message, fields) => {
    watcher.logged(level);
    say(level, message, fields);
  };
  const watched = new WatchedConfig(path, env, log);
  const places = runnerPlaces(invocation);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const identity = identityOf(invocation);
  const id = await systemId({ directory: dirname(path), log });
  const executors = runnerExecutors(invocation, {
    workspaces: places.workspaces,
    warn: (text) => log('warning', text),
  });
  using signals = listenForSignals({
    reload: () => watched.refresh('always'),
    tell: (text) => log('warning', text),
    dropEverything: executors.kill,
  });
  let manager: RunnerManager | undefined;
  const config = () => watched.current.config;
  const sources: MetricSources = {
    ...{ identity, systemId: id, config },
    stateOf: (runner) => manager?.stateOf(runner) ?? new RunnerState(runner, clock),
    processState: () => processStateOf(signals, manager === undefined ? 'starting' : 'running'),
    readings: () => watched.readings,
  };
  const pages = await openRunnerPages(config().listenAddress, sources, log);
  watcher = pages.watcher;
  const clients = createClients({
    ...{ identity, log, clock, random: Math.random, env, observe: watcher.called, limits: pace.network },
    certificateDirectory: join(dirname(path), 'certs'),
  });
  const clientOf = (runner: RunnerEntry) => clients.of(credentialsOf(runner));
  const infoOf = (runner: RunnerEntry) => runnerInfo(identity, runnerTraits(runner, config()));
  const giveUp = new AbortController();
  const shared = { clock, log, giveUp: giveUp.signal };
  const resuming = resumeLeftTraces({
    ...shared,
    directory: places.traces,
    limits: pace.trace,
    info: runnerInfo(identity),
    clientFor: (server) => clients.of({ ...server, token: '' }),
  });
  const reaper = startReaper(invocation, { workspaces: places.workspaces }, engineLocation(env));
  manager = new RunnerManager(
    {
      ...{ config, clientOf, clock, log, fed: watcher.fed, answered: watcher.answered },
      refresh: async () => {
        watched.refresh('if-changed');
        const edits = await rotateTokens(config().runners, { clientOf, nowMs: clock.now(), log });
        if (edits.length > 0) await saveEdits(path, edits, watcher);
      },
      requestOf: (runner) => ({ info: infoOf(runner), systemId: id }),
      runJob: serverJobs({
        invocation,
        places,
        executors,
        systemId: id,
        infoOf,
        watch: watcher.jobTaken,
        pace,
        ...shared,
      }),
    },
    signals,
  );
  const ended = await manager.run();
  giveUp.abort();
  await resuming;
  if (ended === 'timed-out') executors.kill();
  await executors.close();
  clients.close();
  await pages.close();
  if (ended === 'ended') reaper?.dismiss();
  const signal = signals.received();
  return signal === undefined ? exitCodes.ok : signalExitCode(signal);
}

async function saveEdits(path: string, edits: readonly ConfigEdit[], watcher: RunnerWatcher): Promise<void> {
  try {
    await editConfigFile(path, edits);
    watcher.saved('saved');
  } catch (error) {
    watcher.saved('failed');
    throw error;
  }
}

/** All below the state and cache directories of this program. */
function runnerPlaces({ env }: Invocation): RunnerPlaces & { readonly workspaces: string } {
  const { state, cache } = findLocations(env);
  const root = join(state, 'runner');
  return {
    traces: join(root, 'traces'),
    builds: join(root, 'builds'),
    jobs: join(root, 'jobs'),
    workspaces: join(root, 'workspaces', String(process.pid)),
    caches: join(cache, 'runner'),
  };
}
