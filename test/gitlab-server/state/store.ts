import { createHash } from 'node:crypto';
import type { Settings } from '../options.ts';
import type { Job, Pipeline, Project, Runner } from './model.ts';

/** All that the server knows; it lives in memory and outlives a restart of the listener. */
export interface Store {
  readonly settings: Settings;
  readonly runners: Map<number, Runner>;
  readonly projects: Project[];
  readonly pipelines: Pipeline[];
  readonly jobs: Map<number, Job>;
  /** The next requests for a job that are answered 409. */
  conflicts: number;
  /** Database migrations run: every runner is told to come back in a minute. */
  migrating: boolean;
  /** Told when a runner's queue changes, with the runner's id. */
  readonly queueListeners: Set<(runnerId: number) => void>;
  /** Told after a job's status has changed. */
  readonly jobListeners: Set<(job: Job) => void>;
  /** Told after a request has been carried out. */
  readonly requestListeners: Set<() => void>;
  now(): number;
  nextId(): number;
  /** Hexadecimal digits that look random and come from the seed. */
  secret(length: number): string;
}

/** An empty server. */
export function makeStore(settings: Settings): Store {
  let id = 100;
  let drawn = 0;
  return {
    settings,
    runners: new Map(),
    projects: [],
    pipelines: [],
    jobs: new Map(),
    conflicts: 0,
    migrating: false,
    queueListeners: new Set(),
    jobListeners: new Set(),
    requestListeners: new Set(),
    now: () => settings.clock.now(),
    nextId: () => ++id,
    secret: (length) => createHash('sha512').update(`${settings.seed} ${++drawn}`).digest('hex').slice(0, length),
  };
}

/** The runner that a token belongs to, if the token has not expired. */
export function findRunner(store: Store, token: string): Runner | undefined {
  const runner = [...store.runners.values()].find((candidate) => candidate.token === token);
  if (runner?.tokenExpiresAtMs !== undefined && runner.tokenExpiresAtMs <= store.now()) return undefined;
  return runner;
}

/** What a runner brings along when it is made. */
export interface NewRunner {
  readonly description?: string;
  readonly maintenanceNote?: string;
  readonly tags?: readonly string[];
  readonly runUntagged?: boolean;
  readonly paused?: boolean;
  readonly locked?: boolean;
  readonly accessLevel?: Runner['accessLevel'];
  /** Seconds. */
  readonly maximumTimeout?: number;
  /** Seconds from now. */
  readonly tokenExpiresIn?: number;
  readonly token?: string;
}

/** Makes a runner, by registration or (`created`) as the user interface does. */
export function addRunner(store: Store, kind: Runner['kind'], given: NewRunner): Runner {
  const lifeMs = given.tokenExpiresIn === undefined ? undefined : given.tokenExpiresIn * 1000;
  const runner: Runner = {
    id: store.nextId(),
    token: given.token ?? newToken(store, kind),
    tokenExpiresAtMs: lifeMs === undefined ? undefined : store.now() + lifeMs,
    tokenLifeMs: lifeMs,
    kind,
    description: given.description ?? '',
    maintenanceNote: given.maintenanceNote,
    tags: given.tags ?? [],
    runUntagged: given.runUntagged ?? true,
    paused: given.paused ?? false,
    locked: given.locked ?? false,
    accessLevel: given.accessLevel ?? 'not_protected',
    maximumTimeout: given.maximumTimeout,
    orphaned: false,
    managers: new Map(),
    queueValue: store.secret(32),
  };
  store.runners.set(runner.id, runner);
  return runner;
}

/** Gives a runner a new token; the old one is worth nothing from then on. A limited life begins anew. */
export function resetToken(store: Store, runner: Runner): void {
  runner.token = newToken(store, runner.kind);
  runner.tokenExpiresAtMs = runner.tokenLifeMs === undefined ? undefined : store.now() + runner.tokenLifeMs;
}

function newToken(store: Store, kind: Runner['kind']): string {
  return kind === 'created' ? `glrt-t3_${store.secret(20)}` : store.secret(20);
}

/** Says that a runner's queue has changed: requests that are held go on. */
export function tickQueue(store: Store, runner: Runner): void {
  runner.queueValue = store.secret(32);
  for (const listener of [...store.queueListeners]) listener(runner.id);
}
