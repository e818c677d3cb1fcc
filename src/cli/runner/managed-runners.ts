import type { RunnerConfig, RunnerEntry } from '../../runner/config/runner-config.ts';
import { runnerTraits } from '../../runner/job/runner-traits.ts';
import type { OwnEnd } from '../../runner/manager/own-end.ts';
import { type ManagerPorts, RunnerManager } from '../../runner/manager/runner-manager.ts';
import { type RotationGiven, type TokenRotation, tokenRotation } from '../../runner/manager/token-rotation.ts';
import type { Clients } from '../../runner/network/create-client.ts';
import { createClients } from '../../runner/network/create-client.ts';
import { runnerInfo } from '../../runner/network/features.ts';
import type { GitlabClient } from '../../runner/network/gitlab-client.ts';
import { credentialsOf } from '../../runner/registration/kept-runners.ts';
import type { RunnerLog } from '../../runner/runner-log.ts';
import type { RunnerWatcher } from '../../runner/runner-watcher.ts';
import { anySignal } from '../../util/any-signal.ts';
import type { Clock } from '../../util/clock.ts';
import type { Invocation } from '../invocation.ts';
import type { RunnerExecutors } from './runner-executors.ts';
import { identityOf } from './runner-file.ts';
import type { RunnerPace } from './runner-pace.ts';
import type { RunnerPlaces } from './runner-places.ts';
import type { RunnerSignals } from './runner-signals.ts';
import type { RunnerTerminals } from './runner-terminals.ts';
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

/** What all parts of the program work with. */
export interface RunnerBase {
  readonly invocation: Invocation;
  readonly clock: Clock;
  readonly pace: RunnerPace;
  readonly log: RunnerLog;
  readonly source: RunnerSource;
  readonly places: RunnerPlaces;
  readonly executors: RunnerExecutors;
  readonly signals: RunnerSignals;
}

/** Talks to the servers of all runners. */
export function runnerClients(
  { invocation, clock, pace, log, source }: RunnerBase,
  { called }: RunnerWatcher,
): Clients {
  const { certificateDirectory, config } = source;
  return createClients({
    ...{ identity: identityOf(invocation), log, clock, random: Math.random, env: invocation.env, observe: called },
    limits: { connectionMaxAgeMs: config().connectionMaxAgeMs, ...pace.network },
    ...(certificateDirectory === undefined ? {} : { certificateDirectory }),
  });
}

/** The runners at work. */
export interface ManagedRunners {
  readonly manager: RunnerManager;
  /** Until it is stopped. `timed-out`: jobs that were interrupted took too long. */
  run(): Promise<'ended' | 'timed-out'>;
}

/** What the runners work with beside what all parts do. */
export interface ManagedGiven {
  readonly watcher: RunnerWatcher;
  readonly terminals: RunnerTerminals;
  readonly clients: Clients;
  /** Sending of logs ends at once. */
  readonly giveUp: AbortSignal;
}

/** What asks for jobs and runs them, and changes tokens meanwhile. */
export function managedRunners(base: RunnerBase, given: ManagedGiven): ManagedRunners {
  const { clock, log, source, signals } = base;
  const { config, ownEnd, tokens } = source;
  const rotation =
    tokens &&
    tokenRotation({
      ...{ clientOf: clientOfRunner(given), clock, log, canSave: tokens.canSave },
      save: (changes) => saved(tokens.save(changes), given.watcher),
    });
  const drain = anySignal([signals.drain, ...(ownEnd === undefined ? [] : [ownEnd.signal])]);
  const manager = new RunnerManager(managerPorts(base, given, rotation), {
    drain: drain.signal,
    interrupt: signals.interrupt,
  });
  const run = async (): Promise<'ended' | 'timed-out'> => {
    using _ = drain;
    const ended = await manager.run();
    await rotation?.settled(config().shutdownTimeoutMs);
    return ended;
  };
  return { manager, run };
}

function clientOfRunner({ clients }: Pick<ManagedGiven, 'clients'>): (runner: RunnerEntry) => GitlabClient {
  return (runner) => clients.of(credentialsOf(runner));
}

function managerPorts(base: RunnerBase, given: ManagedGiven, rotation: TokenRotation | undefined): ManagerPorts {
  const { invocation, clock, pace, log, source, places, executors } = base;
  const { watcher, terminals, giveUp } = given;
  const { config, systemId, ownEnd } = source;
  const identity = identityOf(invocation);
  const infoOf = (runner: RunnerEntry) =>
    runnerInfo(identity, runnerTraits(runner, { labels: config().labels, sessions: terminals.sessions }));
  const runJob = serverJobs({
    ...{ invocation, places, executors, systemId, infoOf, pace, terminals, clock, log, giveUp },
    watch: watcher.jobTaken,
  });
  return {
    ...{ config, clientOf: clientOfRunner(given), clock, log, fed: watcher.fed, acknowledge: pace.acknowledge },
    answered: (runner, outcome) => {
      watcher.answered(runner, outcome);
      ownEnd?.answered(outcome);
    },
    refresh: async () => {
      source.refresh('if-changed');
      executors.release();
      rotation?.check(config().runners);
    },
    requestOf: (runner) => ({ info: infoOf(runner), systemId, ...terminals.offer(runner) }),
    runJob: async (job) => {
      const result = await runJob(job);
      ownEnd?.jobEnded(result === undefined ? 'never-began' : 'ran');
    },
  };
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
