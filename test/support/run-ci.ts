import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const binary = fileURLToPath(new URL('../../bin/ci.js', import.meta.url));

export interface CiResult {
  readonly pid: number;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CiOptions {
  readonly cwd: string;
  /** Where this `ci` keeps its things: a temporary folder. */
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Called with each chunk of stdout as it comes, for tests that react to events. */
  readonly onStdout?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
  /** The same of stderr. */
  readonly onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
  /** Run `node` from here instead of the one that runs the tests. */
  readonly node?: string;
  /** Another `bin/ci.js` than that of this checkout. */
  readonly program?: string;
}

/** Environment of a plain user: no CI, no colours, no settings of the machine. */
export function plainEnvironment(home: string): Record<string, string> {
  const { PATH = '', HOME = '', LANG = 'C.UTF-8', TMPDIR } = process.env;
  return {
    PATH,
    HOME,
    LANG,
    ...(TMPDIR === undefined ? {} : { TMPDIR }),
    CI_CLI_HOME: home,
    NO_COLOR: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
  };
}

/** Runs the built `ci` as a user would and collects what it says. */
export function runCi(args: readonly string[], options: CiOptions): Promise<CiResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(options.node ?? process.execPath, [options.program ?? binary, ...args], {
      cwd: options.cwd,
      env: { ...plainEnvironment(options.home), ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      options.onStdout?.(text, (signal) => child.kill(signal));
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      options.onStderr?.(text, (signal) => child.kill(signal));
    });
    child.on('error', reject);
    child.on('close', (exitCode, signal) => resolve({ pid: child.pid!, exitCode, signal, stdout, stderr }));
  });
}

/** The events that `--reporter json` printed. */
export function readEvents(
  stdout: string,
): { readonly type: string; readonly job?: string; readonly [key: string]: unknown }[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
