import { homedir, tmpdir } from 'node:os';
import type { ContainerOptions } from '../../executors/docker/container-options.ts';
import type { DockerExecutorOptions } from '../../executors/docker/docker-executor.ts';
import type { Engine } from '../../executors/docker/engine.ts';
import type { EngineLocation } from '../../executors/docker/engine-address.ts';
import type { PullRules } from '../../executors/docker/pull-policies.ts';
import type { Executor } from '../../executors/executor.ts';
import { type ExecutorRequest, loadExecutor } from '../../executors/index.ts';
import type { ShellExecutorOptions } from '../../executors/shell/shell-executor.ts';
import type { SshExecutorOptions } from '../../executors/ssh/ssh-executor.ts';
import type { ExecutorName } from '../../model/job-spec.ts';
import { SystemError } from '../../model/outcome.ts';
import type { PlanNode } from '../../model/plan.ts';
import type { Isolation } from '../../workspaces/layer-mounts.ts';
import type { Invocation } from '../invocation.ts';
import type { SshSettings } from '../ssh-settings.ts';

/** From TERM to KILL when a job is stopped. */
const graceMs = 10_000;

/** What the executors of one run are made with, whether or not a job wants them. */
export interface ExecutorSettings {
  /** Where shell jobs get their directories. */
  readonly workspaces: string;
  readonly pull: PullRules;
  readonly containers: ContainerOptions;
  /** Where the engine is, by the user's own settings. */
  readonly engineHost?: string;
  /** The engine itself, where it was found already. */
  readonly engine?: Engine | undefined;
  /** The machine of the executor ssh. */
  readonly ssh: SshSettings | undefined;
  readonly isolation: Isolation;
  readonly expectedJobs: number;
  /** Tells the user of something that is not as he asked for. */
  warn(message: string): void;
  /** Told when an executor is closed and something could not be removed. */
  onLeft(): void;
}

/** The executors that a run uses, each loaded when its first job wants it. */
export interface Executors {
  /** Those that need it begin to get ready for these jobs. */
  expect(nodes: readonly PlanNode[]): void;
  get(name: ExecutorName): Promise<Executor>;
  /** See Executor.kill. */
  kill(): void;
  /** Waits until everything that jobs left to remove in the background is gone. */
  close(): Promise<void>;
}

/** Makes the executors of one run. */
export function createExecutors(invocation: Invocation, settings: ExecutorSettings): Executors {
  const loaded = new Map<ExecutorName, Promise<Executor>>();
  const ready = new Set<Executor>();
  const get = (name: ExecutorName): Promise<Executor> => {
    const executor = loaded.get(name) ?? loadExecutor(requestFor(name, invocation, settings));
    loaded.set(name, executor);
    void executor.then((one) => ready.add(one)).catch(() => {});
    return executor;
  };
  return {
    expect: (nodes) => {
      if (nodes.some((node) => node.kind === 'job' && node.executor === 'shell')) void get('shell');
    },
    get,
    kill: () => {
      for (const executor of ready) executor.kill();
    },
    close: async () => {
      const executors = await Promise.allSettled(loaded.values());
      // What can't be removed now must not hide how the run ended.
      await Promise.allSettled(executors.map((one) => (one.status === 'fulfilled' ? one.value.close() : undefined)));
    },
  };
}

function requestFor(name: ExecutorName, invocation: Invocation, settings: ExecutorSettings): ExecutorRequest {
  switch (name) {
    case 'shell':
      return { name, options: shellOptions(invocation, settings) };
    case 'docker':
      return { name, options: dockerOptions(invocation, settings) };
    case 'ssh':
      return { name, options: sshOptions(invocation, settings) };
    default:
      throw new Error(`no executor ${name}`);
  }
}

function shellOptions({ env }: Invocation, settings: ExecutorSettings): ShellExecutorOptions {
  const { workspaces: root, isolation, expectedJobs, warn } = settings;
  return { root, graceMs, env: jobEnvironment(env), isolation, expectedJobs, warn };
}

function sshOptions({ env }: Invocation, { ssh }: ExecutorSettings): SshExecutorOptions {
  if (ssh === undefined) {
    throw new SystemError('runner_configuration_error', 'the executor ssh has no machine to connect to', {
      hint: 'name it by --ssh-host, or by `host` below `[ssh]` in your settings',
    });
  }
  return { ...ssh, scratch: tmpdir(), graceMs, env: jobEnvironment(env) };
}

function dockerOptions({ env }: Invocation, settings: ExecutorSettings): DockerExecutorOptions {
  const { pull, onLeft, containers, isolation, workspaces, engine } = settings;
  const authConfig = env['DOCKER_AUTH_CONFIG'];
  return {
    engine: engineLocation(env, settings.engineHost),
    ...(engine === undefined ? {} : { connected: engine }),
    ...{ pull, onLeft, containers, graceMs },
    env: givenVariables(env),
    ...(authConfig ? { authConfig } : {}),
    ...(isolation === 'copy' ? {} : { layersDirectory: workspaces }),
  };
}

/**
 * Where the container engine is, as the user's own environment says; job variables have no say in it.
 * @param configuredHost of the user's settings.
 */
export function engineLocation(env: Invocation['env'], configuredHost?: string): EngineLocation {
  const optional = {
    configuredHost,
    host: env['DOCKER_HOST'],
    context: env['DOCKER_CONTEXT'],
    certPath: env['DOCKER_CERT_PATH'],
    runtimeDirectory: env['XDG_RUNTIME_DIR'],
    configDirectory: env['DOCKER_CONFIG'],
  };
  const given = Object.fromEntries(Object.entries(optional).filter(([, value]) => value));
  const uid = process.getuid?.();
  return {
    home: env['HOME'] || homedir(),
    tlsVerify: Boolean(env['DOCKER_TLS_VERIFY']),
    environment: Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value ? [[name, value]] : []))),
    ...(uid === undefined ? {} : { uid }),
    ...given,
  };
}

function givenVariables(env: Invocation['env']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/**
 * What a shell job sees of the user's environment. As with GitLab Runner's shell executor nearly all of it, so that
 * version managers and proxies work; but nothing that a surrounding CI job, a git hook or npm set for itself, since
 * that would change what the job does.
 */
export function jobEnvironment(env: Invocation['env']): Record<string, string> {
  const foreign =
    /^(CI|GITLAB_.*|CI_.*|CIRCLE.*|GITHUB_.*|RUNNER_.*|ACTIONS_.*|GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX|OBJECT_DIRECTORY|COMMON_DIR|QUARANTINE_PATH|PUSH_.*)|npm_.*|NODE_COMPILE_CACHE|BASH_ENV|ENV|OLDPWD|_|SHLVL|PRE_COMMIT.*)$/;
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !foreign.test(name)) kept[name] = value;
  }
  return kept;
}
