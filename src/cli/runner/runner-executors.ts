import { tmpdir } from 'node:os';
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

/** From TERM to KILL when a job is stopped; GitLab Runner waits for ten minutes. */
const graceMs = 600_000;

/** The executors of all runners of a file, each made when its first job wants it. */
export interface RunnerExecutors {
  /** @throws SystemError for an executor that is not there, or settings that do not fit. */
  of(runner: RunnerEntry): Promise<Executor>;
  kill(): void;
  close(): Promise<void>;
}

/** @param given.workspaces where jobs have their directories. */
export function runnerExecutors(
  invocation: Invocation,
  given: { readonly workspaces: string; readonly warn: (message: string) => void },
): RunnerExecutors {
  const made = new Map<string, Promise<Executor>>();
  const ready = new Set<Executor>();
  return {
    of: (runner) => {
      // Settings that change make another one; the old one ends with its jobs.
      const key = JSON.stringify([runner.executor, runner.docker, runner.ssh, runner.buildsDir]);
      const executor = made.get(key) ?? load(invocation, runner, given);
      made.set(key, executor);
      void executor.then((one) => ready.add(one)).catch(() => made.delete(key));
      return executor;
    },
    kill: () => {
      for (const executor of ready) executor.kill();
    },
    close: async () => {
      await Promise.allSettled([...ready].map((executor) => executor.close()));
    },
  };
}

function load(
  { env }: Invocation,
  { executor, docker, ssh, buildsDir }: RunnerEntry,
  { workspaces, warn }: { readonly workspaces: string; readonly warn: (message: string) => void },
): Promise<Executor> {
  switch (executor) {
    case 'shell':
      return loadExecutor({ name: 'shell', options: { root: workspaces, graceMs, env: jobEnvironment(env), warn } });
    case 'docker':
      return loadExecutor({ name: 'docker', options: dockerOptions(env, docker, workspaces) }).then((made) =>
        docker === undefined ? made : withAllowedImages(made, docker),
      );
    case 'ssh':
      if (ssh === undefined) {
        const hint = { hint: 'name the machine below `[runners.ssh]`' };
        throw new SystemError('runner_configuration_error', 'the runner names no machine to connect to', hint);
      }
      return loadExecutor({ name: 'ssh', options: sshOptions(env, ssh, buildsDir) });
    default:
      throw new SystemError('runner_configuration_error', `there is no executor "${executor}" here`, {
        hint: 'set `executor` of the runner to docker, shell or ssh',
      });
  }
}

function sshOptions(env: Invocation['env'], ssh: RunnerSsh, buildsDir: string | undefined) {
  const { strictHostKeyChecking, ...target } = ssh;
  return {
    target: { ...target, hostKeys: strictHostKeyChecking ? ('strict' as const) : ('off' as const) },
    scratch: tmpdir(),
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

function dockerOptions(env: Invocation['env'], docker: RunnerDocker | undefined, workspaces: string) {
  const containers = docker === undefined ? {} : runnerContainers(docker);
  const policies = docker?.pullPolicy ?? (['always'] as const);
  const tls = {
    ...(docker?.tlsCertPath === undefined ? {} : { DOCKER_CERT_PATH: docker.tlsCertPath }),
    ...(docker?.tlsVerify ? { DOCKER_TLS_VERIFY: '1' } : {}),
  };
  const authConfig = env['DOCKER_AUTH_CONFIG'];
  return {
    engine: engineLocation({ ...env, ...tls }, docker?.host),
    pull: { policies, allowed: docker?.allowedPullPolicies ?? policies, offline: false },
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
