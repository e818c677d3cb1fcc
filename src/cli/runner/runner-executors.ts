import { join } from 'node:path';
import type { ContainerOptions } from '../../executors/docker/container-options.ts';
import type { Executor } from '../../executors/executor.ts';
import { loadExecutor } from '../../executors/index.ts';
import { SystemError } from '../../model/outcome.ts';
import type { RunnerDocker, RunnerEntry, RunnerSsh } from '../../runner/config/runner-config.ts';
import { jobRefused } from '../../runner/job/allowed-images.ts';
import { readDockerTable } from '../docker-settings.ts';
import type { Invocation } from '../invocation.ts';
import { engineLocation, jobEnvironment } from '../run/executors.ts';
import type { RunnerPlaces } from './runner-places.ts';
import type { RunnerReaper } from './runner-reaper.ts';

/** From TERM to KILL when a job is stopped; GitLab Runner waits for ten minutes. */
const graceMs = 600_000;

/** An executor while a job uses it. */
export interface ExecutorLease extends AsyncDisposable {
  readonly executor: Executor;
}

/** The executors of all runners of a file, each made when its first job wants it. */
export interface RunnerExecutors {
  /** @throws SystemError for an executor that is not there, or settings that do not fit. */
  lease(runner: RunnerEntry): Promise<ExecutorLease>;
  /** Closes those that no job uses and no runner of the file wants any more. */
  release(): void;
  kill(): void;
  close(): Promise<void>;
}

/** What executors of runners are made with. */
export interface RunnerExecutorsGiven {
  /** Where jobs have their directories. */
  readonly places: Pick<RunnerPlaces, 'own' | 'workspaces'>;
  /** The runners as the file has them now. */
  readonly runners: () => readonly RunnerEntry[];
  readonly reaper: Pick<RunnerReaper, 'watch'>;
  readonly warn: (message: string) => void;
}

/** One executor, and the jobs that use it. */
interface Made {
  readonly executor: Promise<Executor>;
  users: number;
}

/** Makes nothing until a job comes. */
export function runnerExecutors(invocation: Invocation, given: RunnerExecutorsGiven): RunnerExecutors {
  const made = new Map<string, Made>();
  const ready = new Set<Executor>();
  const closing = new Set<Promise<void>>();
  const close = async (one: Made): Promise<void> => {
    const executor = await one.executor.catch(() => undefined);
    if (executor === undefined) return;
    await executor.close().catch(() => {});
    ready.delete(executor);
  };
  const release = (): void => {
    const wanted = new Set(given.runners().map(settingsKey));
    for (const [key, one] of made) {
      if (one.users > 0 || wanted.has(key)) continue;
      made.delete(key);
      const closed = close(one).finally(() => closing.delete(closed));
      closing.add(closed);
    }
  };
  return {
    lease: async (runner) => {
      const key = settingsKey(runner);
      const one = made.get(key) ?? { executor: load(invocation, runner, given), users: 0 };
      made.set(key, one);
      one.users += 1;
      try {
        const executor = await one.executor;
        ready.add(executor);
        return {
          executor,
          [Symbol.asyncDispose]: async () => {
            one.users -= 1;
            release();
          },
        };
      } catch (error) {
        // The next job tries anew.
        if (made.get(key) === one) made.delete(key);
        throw error;
      }
    },
    release,
    kill: () => {
      for (const executor of ready) executor.kill();
    },
    close: async () => {
      await Promise.allSettled([...[...made.values()].map(close), ...closing]);
    },
  };
}

/** Settings that change make another executor; the old one ends with its jobs. */
function settingsKey({ executor, docker, ssh, buildsDir }: RunnerEntry): string {
  return JSON.stringify([executor, docker, ssh, buildsDir]);
}

function load(
  { env }: Invocation,
  { executor, docker, ssh, buildsDir }: RunnerEntry,
  { places, reaper, warn }: RunnerExecutorsGiven,
): Promise<Executor> {
  switch (executor) {
    case 'shell':
      return loadExecutor({
        name: 'shell',
        options: { root: places.workspaces, graceMs, env: jobEnvironment(env), warn },
      });
    case 'docker': {
      const options = dockerOptions(env, docker, places.workspaces);
      reaper.watch(options.engine);
      return loadExecutor({ name: 'docker', options }).then((made) =>
        docker === undefined ? made : withAllowedImages(made, docker),
      );
    }
    case 'ssh':
      if (ssh === undefined) {
        const hint = { hint: 'name the machine below `[runners.ssh]`' };
        throw new SystemError('runner_configuration_error', 'the runner names no machine to connect to', hint);
      }
      return loadExecutor({ name: 'ssh', options: sshOptions(env, ssh, { buildsDir, scratch: places.own }) });
    default:
      throw new SystemError('runner_configuration_error', `there is no executor "${executor}" here`, {
        hint: 'set `executor` of the runner to docker, shell or ssh',
      });
  }
}

function sshOptions(
  env: Invocation['env'],
  ssh: RunnerSsh,
  { buildsDir, scratch }: { readonly buildsDir: string | undefined; readonly scratch: string },
) {
  const { strictHostKeyChecking, ...target } = ssh;
  return {
    target: { ...target, hostKeys: strictHostKeyChecking ? ('strict' as const) : ('off' as const) },
    scratch,
    graceMs,
    env: jobEnvironment(env),
    ...(buildsDir === undefined ? {} : { root: buildsDir }),
  };
}

/** Looks at the names of images and users when nothing in them is to be expanded any more. */
function withAllowedImages(executor: Executor, docker: RunnerDocker): Executor {
  return {
    ...executor,
    open: async (job, out, signal, watcher) => {
      const refused = jobRefused(job, docker);
      if (refused !== undefined) {
        for (const line of refused.lines) await out.write(Buffer.from(`${line}\n`));
        throw new SystemError('runner_system_failure', refused.message, { hint: refused.hint });
      }
      return executor.open(job, out, signal, watcher);
    },
  };
}

const pullSetting = '`pull_policy = ["if-not-present"]` below `[runners.docker]` of the runner\'s file';

function dockerOptions(env: Invocation['env'], docker: RunnerDocker | undefined, workspaces: string) {
  const containers = docker === undefined ? {} : runnerContainers(docker);
  const policies = docker?.pullPolicy ?? (['always'] as const);
  const tls = {
    ...(docker?.tlsCertPath === undefined ? {} : { DOCKER_CERT_PATH: docker.tlsCertPath }),
    ...(docker?.tlsVerify ? { DOCKER_TLS_VERIFY: '1' } : {}),
  };
  // The file beats the environment here.
  const named = docker?.host === undefined ? {} : { DOCKER_HOST: undefined, DOCKER_CONTEXT: undefined };
  const authConfig = env['DOCKER_AUTH_CONFIG'];
  return {
    engine: engineLocation({ ...env, ...named, ...tls }, docker?.host),
    pull: { policies, allowed: docker?.allowedPullPolicies ?? policies, offline: false, setBy: pullSetting },
    containers,
    graceMs,
    env: jobEnvironment(env),
    ...(authConfig ? { authConfig } : {}),
    layersDirectory: join(workspaces, 'layers'),
  };
}

/**
 * How containers are made, as `[runners.docker]` says.
 * @throws SystemError for values that do not fit.
 */
function runnerContainers(docker: RunnerDocker): ContainerOptions {
  const { options, errors } = readDockerTable(docker.containers, 'user', {});
  if (errors.length === 0) return options;
  const what = errors.map(({ key, text }) => `\`runners.docker.${key}\` ${text}`).join('; ');
  throw new SystemError('runner_configuration_error', what, { hint: 'correct the file of runners' });
}
