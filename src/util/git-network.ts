import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';

/** What a git command that talks to a server may use. */
export interface GitNetworkOptions {
  /** A repository of our own, so that no other's configuration is read but the user's. */
  readonly cwd: string;
  /** As `process.env` has it: the user's agent, proxies, certificates. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Settings for this command; never seen in process lists. */
  readonly settings: readonly (readonly [key: string, value: string])[];
  /** Protocols that may be spoken. */
  readonly protocols: readonly string[];
  readonly timeoutMs: number;
  /** Fed to standard input. */
  readonly input?: string;
}

/** How a git command that may use the network ended; `timeout`: it took longer than it was given, and was ended. */
export type GitNetworkResult =
  | { readonly kind: 'ok'; readonly stdout: Buffer }
  | { readonly kind: 'failed'; readonly stderr: string }
  | { readonly kind: 'timeout' }
  /** There is no `git` on the PATH. */
  | { readonly kind: 'missing' };

/** Where a git hook or a test harness would point git at another repository or program; agents and askpass stay. */
const dropped =
  /^GIT_(DIR|WORK_TREE|INDEX_FILE|COMMON_DIR|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|PREFIX|NAMESPACE|CURL_VERBOSE|TRACE.*)$/;

/** More than any list of refs or files, or the YAML files of a project: what is not as small is meant to fill the memory. */
const mostOutputBytes = 128 * 1024 * 1024;

/**
 * Runs a git command that may use the network, as the user: his credential helpers, ssh agent and proxies. Never asks
 * anything, on no terminal. What a server says is kept up to 128 MB; a longer answer is a failure.
 */
export function runGitOnNetwork(args: readonly string[], options: GitNetworkOptions): Promise<GitNetworkResult> {
  return new Promise((resolve) => {
    let child: ChildProcessWithoutNullStreams;
    try {
      child = spawn('git', ['--no-pager', '-c', 'core.hooksPath=/dev/null', '-c', 'gc.auto=0', ...args], {
        cwd: options.cwd,
        env: environment(options),
        stdio: ['pipe', 'pipe', 'pipe'],
        windowsHide: true,
      });
    } catch {
      // A name with a NUL, or a longer one than any server has.
      resolve({ kind: 'failed', stderr: 'fatal: git takes no such name' });
      return;
    }
    follow(child, options, resolve);
  });
}

function follow(
  child: ChildProcessWithoutNullStreams,
  { timeoutMs, input = '' }: GitNetworkOptions,
  resolve: (result: GitNetworkResult) => void,
): void {
  const output: Buffer[] = [];
  let size = 0;
  let errors = '';
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill('SIGTERM');
  }, timeoutMs);
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= mostOutputBytes) output.push(chunk);
    else if (output.splice(0).length > 0) child.kill('SIGTERM');
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-20_000);
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  child.once('error', (error: NodeJS.ErrnoException) => {
    clearTimeout(timer);
    resolve(error.code === 'ENOENT' ? { kind: 'missing' } : { kind: 'failed', stderr: error.message });
  });
  child.once('close', (code) => {
    clearTimeout(timer);
    if (isLate) resolve({ kind: 'timeout' });
    else if (size > mostOutputBytes) resolve({ kind: 'failed', stderr: tooMuch });
    else if (code === 0) resolve({ kind: 'ok', stdout: Buffer.concat(output) });
    else resolve({ kind: 'failed', stderr: errors });
  });
}

const tooMuch = `fatal: there is more than ${mostOutputBytes / 1024 / 1024} MB to read`;

function environment({ env, settings, protocols }: GitNetworkOptions): NodeJS.ProcessEnv {
  const kept: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(env)) if (!dropped.test(name)) kept[name] = value;
  const first = Number(env['GIT_CONFIG_COUNT'] ?? 0) || 0;
  kept['GIT_CONFIG_COUNT'] = String(first + settings.length);
  for (const [index, [key, value]] of settings.entries()) {
    kept[`GIT_CONFIG_KEY_${first + index}`] = key;
    kept[`GIT_CONFIG_VALUE_${first + index}`] = value;
  }
  return {
    ...kept,
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    SSH_ASKPASS_REQUIRE: 'never',
    GIT_ALLOW_PROTOCOL: protocols.join(':'),
    GIT_OPTIONAL_LOCKS: '0',
  };
}
