import { rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../src/util/clock.ts';
import { rateLimiter } from './api/rate-limit.ts';
import type { LoggedRequest, Violation } from './api/request-log.ts';
import { serveStorage } from './api/storage.ts';
import type { PipelineDescription } from './description.ts';
import type { DecideFault } from './faults/fault.ts';
import { type Listener, openListener } from './http/listener.ts';
import { type GitlabServerOptions, settingsFrom } from './options.ts';
import { addPipeline, addProject, type NewProject } from './projects.ts';
import { findRoute, type Route } from './routes.ts';
import { type Surroundings, serve } from './serve.ts';
import type { Job, Pipeline, Project, Runner } from './state/model.ts';
import { addRunner, makeStore, type NewRunner, type Store, tickQueue } from './state/store.ts';
import { sweep } from './state/sweep.ts';
import { cancel, erase, retry, setStatus } from './state/transitions.ts';

/** GitLab's server side of the runner protocol, in memory. */
export interface GitlabServer extends AsyncDisposable {
  /** What a runner is told: `http://127.0.0.1:PORT/gitlab`. */
  readonly url: string;
  /** Where direct downloads are sent; absent without object storage. */
  readonly storageUrl: string | undefined;
  /** Runners, projects, jobs: to be read; change them by the functions below. */
  readonly store: Store;
  /** Every request in the order of arrival, those to the object storage among them. */
  readonly requests: readonly LoggedRequest[];
  /** What a correct client does not do. */
  readonly violations: readonly Violation[];
  /** Makes a runner as the user interface does: its token begins with `glrt-`. */
  addRunner(given?: NewRunner): Runner;
  addProject(given?: NewProject): Project;
  /** Starts a pipeline; without a project in one that has no repository. */
  addPipeline(description: PipelineDescription, project?: Project): Pipeline;
  /** The last try of the job of a name, or the job of an id. */
  job(which: string | number): Job;
  cancel(job: Job, how?: 'gracefully' | 'force'): void;
  /** Starts a finished job again. */
  retry(job: Job): Job;
  /** Starts a manual job. */
  play(job: Job): void;
  erase(job: Job): void;
  pause(runner: Runner, paused: boolean): void;
  /** Does what GitLab's cron jobs do; every request does it, too. */
  sweep(): void;
  setFaults(decide: DecideFault | undefined): void;
  /** Cuts all connections and closes the port for a time; nothing is lost. */
  restart(downMs?: number): Promise<void>;
  /** Resolves once the condition holds; looked at after each change of a job and each request. */
  until(condition: () => boolean): Promise<void>;
}

/** Starts a server. Stop it with `await using` or its async dispose. */
export async function startGitlabServer(options: GitlabServerOptions = {}): Promise<GitlabServer> {
  const settings = settingsFrom(options);
  const store = makeStore(settings);
  const closing = new AbortController();
  const made: string[] = [];
  let faults = options.decideFault;
  const server: Surroundings = {
    store,
    limiter: rateLimiter(settings),
    requests: [],
    violations: [],
    asked: new Map(),
    closing: closing.signal,
    decideFault: () => faults,
    baseUrl: () => `${scheme}://${settings.host}:${listener.port}${settings.relativeUrl}`,
    storageUrl: () => storage && `${scheme}://${settings.host}:${storage.port}`,
    restart: restarter(() => listener, settings.clock, closing.signal),
  };
  const scheme = settings.tls === undefined ? 'http' : 'https';
  const { host, port, tls } = settings;
  const listener = await openListener({ host, port, tls, handle: handler(server, settings.relativeUrl, findRoute) });
  const toStorage = (): Route => ({ name: 'storage', endpoint: serveStorage, id: undefined, limit: undefined });
  const storage = settings.objectStorage
    ? await openListener({ host, port: 0, tls, handle: handler(server, '', toStorage) })
    : undefined;
  return {
    ...inspection(server),
    ...actions(store, made),
    setFaults: (decide) => {
      faults = decide;
    },
    restart: (downMs = 0) => server.restart(downMs),
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await Promise.all([listener.close('drain'), storage?.close('drain')]);
      for (const folder of made) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Closes a port for a time. Requests that want it while it is under way get the same restart. */
function restarter(listener: () => Listener, clock: Clock, closing: AbortSignal): (downMs: number) => Promise<void> {
  let underWay: Promise<void> | undefined;
  const restart = async (downMs: number): Promise<void> => {
    await listener().close('cut');
    if (downMs > 0) await clock.sleep(downMs, closing);
    if (!closing.aborted) await listener().open();
    underWay = undefined;
  };
  return (downMs) => {
    underWay ??= restart(downMs);
    return underWay;
  };
}

/** Answers requests; a mistake of the server itself cuts the connection and comes out of the process. */
function handler(server: Surroundings, relativeUrl: string, find: (method: string, path: string) => Route) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '/', 'http://server');
    const inside = url.pathname === relativeUrl || url.pathname.startsWith(`${relativeUrl}/`);
    const path = inside ? url.pathname.slice(relativeUrl.length) : '';
    const route = find(request.method ?? 'GET', path);
    void serve({ request, response, url, path, route }, server).finally(() => {
      if (!response.headersSent) response.socket?.destroy();
    });
  };
}

type Inspection = Pick<GitlabServer, 'url' | 'storageUrl' | 'store' | 'requests' | 'violations' | 'job' | 'until'>;

function inspection(server: Surroundings): Inspection {
  const { store, requests, violations } = server;
  return {
    url: server.baseUrl(),
    storageUrl: server.storageUrl(),
    store,
    requests,
    violations,
    job: (which) => {
      const jobs = [...store.jobs.values()];
      const job = jobs.findLast(({ id, description }) => id === which || description.name === which);
      if (job === undefined) throw new Error(`there is no job ${which}`);
      return job;
    },
    until: (condition) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (!condition()) return;
          store.jobListeners.delete(check);
          store.requestListeners.delete(check);
          resolve();
        };
        store.jobListeners.add(check);
        store.requestListeners.add(check);
        check();
      }),
  };
}

type Actions = Omit<GitlabServer, keyof Inspection | 'setFaults' | 'restart' | typeof Symbol.asyncDispose>;

function actions(store: Store, made: string[]): Actions {
  return {
    addRunner: (given = {}) => addRunner(store, 'created', given),
    addProject: (given = {}) => addProject(store, given, made),
    addPipeline: (description, project) =>
      addPipeline(store, project ?? store.projects[0] ?? addProject(store, {}, made), description),
    cancel: (job, how) => cancel(store, job, how),
    retry: (job) => retry(store, job),
    play: (job) => setStatus(store, job, 'pending'),
    erase,
    pause: (runner, paused) => {
      runner.paused = paused;
      tickQueue(store, runner);
    },
    sweep: () => sweep(store),
  };
}
