import { spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { deferred } from './deferred.ts';
import { findProgram } from './find-program.ts';
import { type ProcessEnd, type ProcessRequest, processEnd } from './process.ts';
import { type ProcessHelper, startProcessHelper } from './process-helper.ts';

/** What to start, as leader of a session of its own. */
export interface LaunchRequest extends Omit<ProcessRequest, 'stdout' | 'stderr'> {
  /** Paths of named pipes that somebody reads: standard output and standard error. */
  readonly outputs: readonly [string, string];
}

/** A process that has been started, and holds its pipes open. */
export interface Launched {
  readonly pid: number;
  readonly exited: Promise<ProcessEnd>;
}

/**
 * Starts a process that writes into named pipes.
 * @throws the error of `spawn` (ENOENT, EACCES, E2BIG …) as a rejected promise.
 */
export async function launch({ file, args, directory, env, stdin, outputs }: LaunchRequest): Promise<Launched> {
  const writers = outputs.map((path) => openSync(path, constants.O_WRONLY));
  try {
    const stdio = ['pipe', ...writers] as const;
    const child = spawn(file, args, { cwd: directory, env: { ...env }, stdio: [...stdio], detached: true });
    const exit = deferred<ProcessEnd>();
    child.once('exit', (code, signal) => exit.resolve(processEnd(code, signal)));
    if (child.pid === undefined) await new Promise((_, reject) => child.once('error', reject));
    child.on('error', () => {});
    // A process that ends before it has read everything closes the pipe: that is its right.
    child.stdin!.on('error', () => {});
    child.stdin!.end(stdin);
    return { pid: child.pid!, exited: exit.promise };
  } finally {
    for (const writer of writers) closeSync(writer);
  }
}

/** From so many on a helper is worth its 10 ms. */
const worthHelper = 12;

/** How many of so many expected starts this process does itself, by `fork`, which takes the longer the more memory it holds. */
export function ownStarts(expected: number, path: string): number {
  return helperProgram(expected, path) === undefined ? expected : 0;
}

/**
 * A helper that starts processes, where many are expected. To start a program Node forks, which takes as long as its own
 * memory is large: 1 ms in a process that does nothing else, 3 ms in one that runs a large pipeline. Perl, which is
 * part of nearly every system, takes 0.2 ms, and reads a process's pipes for a tenth of what Node needs.
 * @param expected how many processes are about to be started.
 * @param path the user's `PATH`.
 */
export function processHelper(expected: number, path: string): ProcessHelper | undefined {
  const perl = helperProgram(expected, path);
  return perl === undefined ? undefined : startProcessHelper(perl);
}

function helperProgram(expected: number, path: string): string | undefined {
  return expected < worthHelper ? undefined : findProgram('perl', `/usr/bin:${path}`);
}
