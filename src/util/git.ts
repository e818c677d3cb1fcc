import { spawn, spawnSync } from 'node:child_process';
import type { Readable } from 'node:stream';
import { shellQuote } from './shell-quote.ts';

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

interface Question {
  readonly args: readonly string[];
  readonly resolve: (result: GitResult) => void;
}

/** A shell names pipes by one digit, and the first three are its own. */
const mostAtOnce = 7;
const firstPipe = 3;

/**
 * Asks git in a directory as `askGit` does, with the same answers. Questions that are asked in one go are handed to one shell, which
 * starts a git for each: what a process costs us grows with our memory, and a shell has next to none.
 */
export function gitTogether(env: Environment): (directory: string, args: readonly string[]) => Promise<GitResult> {
  let waiting = new Map<string, Question[]>();
  const begin = (): void => {
    const asked = waiting;
    waiting = new Map();
    for (const [directory, questions] of asked) {
      while (questions.length > 0) askByShell(questions.splice(0, mostAtOnce), directory, env);
    }
  };
  return (directory, args) =>
    new Promise((resolve) => {
      if (waiting.size === 0) queueMicrotask(begin);
      waiting.set(directory, [...(waiting.get(directory) ?? []), { args, resolve }]);
    });
}

function askByShell(questions: readonly Question[], cwd: string, env: Environment): void {
  const alone = ({ args, resolve }: Question): void => void askGit(args, { cwd, env }).then(resolve);
  if (questions.length === 1) {
    questions.forEach(alone);
    return;
  }
  let pipes: readonly (Readable | null | undefined)[];
  try {
    const child = spawn('/bin/sh', ['-c', program(questions), 'sh', ...hardenedArguments([])], {
      cwd,
      env: gitEnvironment({ env }),
      stdio: ['ignore', 'ignore', 'ignore', ...questions.map(() => 'pipe' as const)],
      windowsHide: true,
    });
    // Without a shell all pipes end at once.
    child.on('error', () => {});
    pipes = child.stdio.slice(firstPipe) as Readable[];
  } catch {
    pipes = [];
  }
  for (const [index, question] of questions.entries()) {
    void contentOf(pipes[index]).then((content) => {
      const result = resultIn(content);
      if (result === undefined) alone(question);
      else question.resolve(result);
    });
  }
}

/**
 * Each git has a pipe for what it prints, and behind that comes its exit code. A shell lets nothing that it starts so be ended by Ctrl-C,
 * and does that itself here. `exec`: a user's bash may hand it a function `git`.
 */
function program(questions: readonly Question[]): string {
  const pipes = questions.map((_, index) => firstPipe + index);
  const closed = pipes.map((pipe) => ` ${pipe}>&-`).join('');
  const begun = questions.map(({ args }, index) => {
    return `exec git "$@" ${args.map(shellQuote).join(' ')} >&${pipes[index]}${closed} &\np${index}=$!`;
  });
  const ended = pipes.map((pipe, index) => `wait $p${index}\nprintf '\\0%s' $? >&${pipe}\nexec ${pipe}>&-`);
  const stop = `trap 'kill ${questions.map((_, index) => `$p${index}`).join(' ')}; exit' INT`;
  return [stop, ...begun, ...ended].join('\n');
}

async function contentOf(pipe: Readable | null | undefined): Promise<Buffer> {
  const chunks: Buffer[] = [];
  // There are no streams where too many files are open.
  if (pipe) {
    await new Promise<void>((resolve) => {
      pipe.on('data', (chunk: Buffer) => chunks.push(chunk));
      pipe.on('error', () => {}).once('close', resolve);
    });
  }
  return Buffer.concat(chunks);
}

/** Undefined where git has not come to an end, or has more to say than that the answer is no. */
function resultIn(content: Buffer): GitResult | undefined {
  const end = content.lastIndexOf(0);
  const code = end < 0 ? '' : content.toString('latin1', end + 1);
  const stdout = content.toString('utf8', 0, Math.max(end, 0));
  if (code === '0') return { kind: 'ok', stdout };
  return code === '1' ? { kind: 'failed', code: 1, stdout, stderr: '' } : undefined;
}
