import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { deferred } from './deferred.ts';
import { type ProcessEnd, type ProcessRequest, processEnd, type TakeBytes, takeOutput } from './process.ts';

/** What to start at a new terminal. */
export interface PtyRequest extends Pick<ProcessRequest, 'directory' | 'env'> {
  /** Absolute path of util-linux's `script`. */
  readonly script: string;
  /** Absolute path of the shell that starts the command. */
  readonly shellFile: string;
  /** A command of that shell; it gets a usual terminal. */
  readonly command: string;
  readonly size: { readonly columns: number; readonly rows: number };
  /** What is typed. Its end is not passed on: hang up. */
  readonly input: Readable;
  readonly output: TakeBytes;
}

/** A process that runs at a terminal of its own. */
export interface PtyProcess {
  /** Of `script`; the command is in another process group and session. */
  readonly pid: number;
  /** See RunningProcess.ended; a shell that a signal ended tells 128 + its number. */
  readonly ended: Promise<ProcessEnd>;
  /** The terminal goes away: HUP for those who sit at it. */
  hangUp(): void;
}

/**
 * Starts a command at a new terminal. Node makes none, so `script` of util-linux does, which every Debian has.
 * @throws the error of `spawn` as a rejected promise.
 */
export async function startPtyProcess(request: PtyRequest): Promise<PtyProcess> {
  const { script, directory, env, command, size, input, output } = request;
  // Without a terminal of its own `script` makes one that does not echo.
  const text = `stty sane rows ${size.rows} cols ${size.columns}; ${command}`;
  const child = spawn(script, ['-q', '-f', '-e', '-c', text, '/dev/null'], {
    cwd: directory,
    env: { ...env, SHELL: request.shellFile },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const exit = deferred<ProcessEnd>();
  child.once('exit', (code, signal) => exit.resolve(processEnd(code, signal)));
  if (child.pid === undefined) await new Promise((_, reject) => child.once('error', reject));
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  input.pipe(child.stdin, { end: false });
  const leave = (): void => {
    input.unpipe(child.stdin);
    child.stdin.destroy();
  };
  void exit.promise.then(leave);
  const taken = { stdout: output, stderr: output };
  const ended = takeOutput(child, exit.promise, taken);
  ended.catch(() => {});
  return { pid: child.pid!, ended, hangUp: () => void child.kill('SIGKILL') };
}

/** Can `script` do that here? BusyBox's and BSD's can't. */
export function makesTerminals(script: string, env: Readonly<Record<string, string>>): Promise<boolean> {
  const answer = deferred<boolean>();
  const args = ['-q', '-f', '-e', '-c', 'exit 7', '/dev/null'];
  const child = spawn(script, args, { env: { ...env, SHELL: '/bin/sh' }, stdio: 'ignore', timeout: 5000 });
  child.once('error', () => answer.resolve(false));
  child.once('exit', (code) => answer.resolve(code === 7));
  return answer.promise;
}
