import { spawn, spawnSync } from 'node:child_process';

/** Environment as `process.env` has it; handed in by the caller. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where git runs and what it may do there. */
export interface GitOptions {
  readonly cwd: string;
  readonly env: Environment;
  /** Further settings, key and value; they win over all configuration. */
  readonly settings?: readonly (readonly [key: string, value: string])[];
  /**
   * `never`: also not to fetch what a partial clone lacks, which would run programs that the repository's own
   * configuration names.
   */
  readonly network?: 'never';
}

/** How a git command ended; `failed` is any exit code but 0, which for some questions is an answer (`git diff --quiet`). */
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
  try {
    const { error, status, stdout, stderr } = spawnSync('git', hardenedArguments(args), {
      ...processOptions(options),
      encoding: 'utf8',
      maxBuffer: 512 * 1024 * 1024,
    });
    return resultOf({ error, code: status, stdout: stdout ?? '', stderr: stderr ?? '' });
  } catch (error) {
    // An argument with a NUL, which a pipeline file may hold.
    return resultOf({ error: error as Error, code: null, stdout: '', stderr: '' });
  }
}

/** The same while this process does something else: for a question that takes git long, or several at once. */
export async function askGit(args: readonly string[], options: GitOptions): Promise<GitResult> {
  let child: ReturnType<typeof spawn>;
  try {
    child = spawn('git', hardenedArguments(args), processOptions(options));
  } catch (error) {
    // Too long an argument, or no memory for another process.
    return resultOf({ error: error as Error, code: null, stdout: '', stderr: '' });
  }
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  // There are no streams where too many files are open.
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
  const { error, code } = await new Promise<Pick<Ended, 'error' | 'code'>>((resolve) => {
    child.once('error', (error) => resolve({ error, code: null }));
    child.once('close', (code) => resolve({ code }));
  });
  return resultOf({ error, code, stdout: Buffer.concat(output).toString(), stderr: Buffer.concat(errors).toString() });
}

interface Ended {
  readonly error?: Error | undefined;
  /** Null when it was not started, or ended by a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function resultOf({ error, code, stdout, stderr }: Ended): GitResult {
  if (error !== undefined) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'missing' };
    return { kind: 'failed', code: -1, stdout, stderr: error.message };
  }
  if (code === 0) return { kind: 'ok', stdout };
  return { kind: 'failed', code: code ?? -1, stdout, stderr };
}

/** Arguments with what keeps a repository's own configuration from running anything. */
export function hardenedArguments(args: readonly string[]): readonly string[] {
  return ['--no-pager', ...hardening.flatMap((setting) => ['-c', setting]), ...args];
}

function processOptions(options: GitOptions) {
  return {
    cwd: options.cwd,
    env: gitEnvironment(options),
    stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
  };
}

/** The environment of a git that asks nobody, with its settings in it: never seen in process lists. */
export function gitEnvironment({
  env,
  settings = [],
  network,
}: Pick<GitOptions, 'env' | 'settings' | 'network'>): NodeJS.ProcessEnv {
  const kept: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(env)) if (!dropped.test(name)) kept[name] = value;
  // Not by `-c key=value`: a key (the name of a filter) may hold `=`.
  const first = Number(env.GIT_CONFIG_COUNT ?? 0) || 0;
  if (settings.length > 0) kept.GIT_CONFIG_COUNT = String(first + settings.length);
  for (const [index, [key, value]] of settings.entries()) {
    kept[`GIT_CONFIG_KEY_${first + index}`] = key;
    kept[`GIT_CONFIG_VALUE_${first + index}`] = value;
  }
  // A list of protocols beats all configuration; an older git than 2.45 knows nothing of the other variable.
  if (network === 'never') Object.assign(kept, { GIT_ALLOW_PROTOCOL: 'none', GIT_NO_LAZY_FETCH: '1' });
  return { ...kept, GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
}
