import { spawnSync } from 'node:child_process';

/** Environment as `process.env` has it; handed in by the caller. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface GitOptions {
  readonly cwd: string;
  readonly env: Environment;
  /** Further settings, key and value; they win over all configuration. */
  readonly settings?: readonly (readonly [key: string, value: string])[];
}

export type GitResult =
  | { readonly kind: 'ok'; readonly stdout: string }
  | { readonly kind: 'failed'; readonly code: number; readonly stdout: string; readonly stderr: string }
  /** There is no `git` on the PATH. */
  | { readonly kind: 'missing' };

/** Nothing that a repository's own configuration names is run. */
const hardening = [
  'core.fsmonitor=',
  'core.hooksPath=/dev/null',
  'protocol.ext.allow=never',
  'log.showSignature=false',
];

/** Variables that would point git at another repository or make it start programs; a git hook sets some of them. */
const dropped =
  /^GIT_(DIR|WORK_TREE|INDEX_FILE|COMMON_DIR|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|PREFIX|NAMESPACE|EXTERNAL_DIFF|EDITOR|PAGER|ASKPASS|SSH|SSH_COMMAND|TRACE.*)$/;

/**
 * Runs `git` and waits for it; for short questions only. Never asks, never takes optional locks, never runs hooks,
 * file system monitors or external diffs, never uses the network by itself.
 */
export function runGit(args: readonly string[], options: GitOptions): GitResult {
  const settings = hardening.flatMap((setting) => ['-c', setting]);
  const result = spawnSync('git', ['--no-pager', ...settings, ...args], {
    cwd: options.cwd,
    env: gitEnvironment(options),
    encoding: 'utf8',
    maxBuffer: 512 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
  });
  if (result.error) {
    if ((result.error as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'missing' };
    return { kind: 'failed', code: -1, stdout: result.stdout ?? '', stderr: result.error.message };
  }
  if (result.status === 0) return { kind: 'ok', stdout: result.stdout };
  return { kind: 'failed', code: result.status ?? -1, stdout: result.stdout, stderr: result.stderr };
}

function gitEnvironment({ env, settings = [] }: GitOptions): NodeJS.ProcessEnv {
  const kept: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(env)) if (!dropped.test(name)) kept[name] = value;
  // Not by `-c key=value`: a key (the name of a filter) may hold `=`.
  const first = Number(env.GIT_CONFIG_COUNT ?? 0) || 0;
  if (settings.length > 0) kept.GIT_CONFIG_COUNT = String(first + settings.length);
  for (const [index, [key, value]] of settings.entries()) {
    kept[`GIT_CONFIG_KEY_${first + index}`] = key;
    kept[`GIT_CONFIG_VALUE_${first + index}`] = value;
  }
  return { ...kept, GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
}
