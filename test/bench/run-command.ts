import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readResources, watchResources } from './resources.ts';
import type { Command, Sample } from './workload.ts';

/** After being asked to end, a program has so long. */
const graceMs = 10_000;

/**
 * Runs a program to its end and measures it as a whole.
 * @param given.directory gets what the program says.
 * @returns `stopped` when it took longer than `limitMs`.
 * @throws Error with the end of what it said, when it did not end with the exit code wanted, or when aborted.
 */
export async function runCommand(
  command: Command,
  given: { readonly directory: string; readonly limitMs?: number; readonly signal?: AbortSignal },
): Promise<Sample | 'stopped'> {
  const said = join(given.directory, 'said.txt');
  const measuredFile = join(given.directory, 'resources.txt');
  rmSync(measuredFile, { force: true });
  const file = openSync(said, 'w');
  const argv = withPipe(readResources(command.argv, measuredFile), command.stdout ?? 'file');
  const startedNs = process.hrtime.bigint();
  const child = spawn(argv[0]!, argv.slice(1), {
    cwd: command.cwd,
    env: { ...plainEnvironment(), ...command.env },
    stdio: ['ignore', file, file],
    detached: true,
  });
  closeSync(file);
  const watching = watchResources(command.stdout === 'pipe' ? undefined : child.pid, measuredFile);
  const { code, stopped } = await endOf(child, given);
  const wall = Number(process.hrtime.bigint() - startedNs) / 1e9;
  const { cpu, rss } = watching.read();
  given.signal?.throwIfAborted();
  if (stopped) return 'stopped';
  if (code !== String(command.exitCode ?? 0)) {
    const text = readFileSync(said, 'utf8').trim();
    throw new Error(`ended with ${code}: ${text.length < 800 ? text : `${text.slice(0, 400)} … ${text.slice(-400)}`}`);
  }
  return { wall, cpu, rss };
}

/** Waits for the end, and brings it about when the time is up or nobody wants it any more. */
async function endOf(
  child: ChildProcess,
  { limitMs, signal }: { readonly limitMs?: number; readonly signal?: AbortSignal },
): Promise<{ readonly code: string; readonly stopped: boolean }> {
  let stopped = false;
  const timers: NodeJS.Timeout[] = [];
  const stop = (): void => {
    stopped = true;
    signalGroup(child, 'SIGINT');
    timers.push(setTimeout(() => signalGroup(child, 'SIGKILL'), graceMs));
  };
  if (limitMs !== undefined) timers.push(setTimeout(stop, limitMs));
  signal?.addEventListener('abort', stop);
  try {
    const code = await new Promise<string>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (exitCode, name) => resolve(name ?? String(exitCode)));
    });
    if (stopped) signalGroup(child, 'SIGKILL');
    return { code, stopped };
  } finally {
    for (const timer of timers) clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

/** GNU time lets SIGINT pass, so that the end of the group's first process is the end of the program. */
function signalGroup({ pid }: ChildProcess, signal: 'SIGINT' | 'SIGKILL'): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** A real pipe with a reader, as in `program | less`. */
function withPipe(argv: readonly string[], stdout: 'file' | 'pipe'): readonly string[] {
  return stdout === 'file' ? argv : ['bash', '-c', 'set -o pipefail; "$@" | cat >/dev/null', 'bash', ...argv];
}

/**
 * What a plain user has; nothing that slows every start of Node down. Without SHLVL bash takes a socket as its input,
 * which Node's pipes are, for a remote shell and reads `~/.bashrc`: that cost gitlab-ci-local 0.2 s a job.
 */
function plainEnvironment(): Record<string, string> {
  const { PATH = '', HOME = '', LANG = 'C.UTF-8', TMPDIR, DOCKER_HOST } = process.env;
  return {
    PATH,
    HOME,
    LANG,
    ...(TMPDIR === undefined ? {} : { TMPDIR }),
    ...(DOCKER_HOST === undefined ? {} : { DOCKER_HOST }),
    SHELL: '/bin/bash',
    SHLVL: '1',
    NO_COLOR: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
  };
}
