import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { findProgram } from '../../../src/util/find-program.ts';

/** An engine of the test's own, which it may stop and kill. */
export interface OwnEngine extends AsyncDisposable {
  readonly host: string;
  readonly api: Docker;
  start(): Promise<void>;
  /** Ends it as a system does: its containers end first. */
  stop(): Promise<void>;
  /** Its containers go on, with nobody to look after them. */
  kill(): Promise<void>;
}

/** Why there can be none; undefined: there can. */
export function whyNoOwnEngine(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root on Linux can start an engine';
  const missing = ['dockerd', 'unshare'].find((name) => findProgram(name, process.env['PATH'] ?? '') === undefined);
  return missing && `${missing} is not installed`;
}

/**
 * Starts an engine that shares nothing with others. In a network namespace of its own: an engine takes away the default
 * bridge of another one.
 * @param from where its images come from.
 * @param flags of `dockerd`, besides.
 */
export async function ownEngine(
  from: Docker,
  images: readonly string[],
  flags: readonly string[] = [],
): Promise<OwnEngine> {
  const place = mkdtempSync(join(tmpdir(), 'ci-own-'));
  const socket = join(place, 'd.sock');
  const api = new Docker({ socketPath: socket });
  let daemon: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (daemon === undefined || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const ended = once(daemon, 'exit');
    daemon.kill(signal);
    await ended;
  };
  const start = async (): Promise<void> => {
    daemon = startDaemon(place, socket, flags);
    while (!(await answers(api))) {
      if (daemon.exitCode !== null) throw new Error(`dockerd ended:\n${readFileSync(join(place, 'log'), 'utf8')}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await start();
  for (const name of images) {
    const loading = await api.loadImage(await from.getImage(name).get());
    for await (const _ of loading) {
      // To its end.
    }
  }
  return {
    host: `unix://${socket}`,
    api,
    start,
    stop: () => end('SIGTERM'),
    kill: async () => {
      await end('SIGKILL');
      // Else it holds its files until it has seen that nobody is there any more.
      const pidFile = join(place, 'exec-root/containerd/containerd.pid');
      await killed(Number(readFileSync(pidFile, 'utf8')));
      // Where nobody waits for orphans the next engine would think that it is alive.
      rmSync(pidFile, { force: true });
    },
    [Symbol.asyncDispose]: async () => {
      if (!(await answers(api))) await start();
      for (const { Id } of await api.listContainers({ all: true })) await api.getContainer(Id).remove({ force: true });
      await end('SIGTERM');
      execFileSync('sh', ['-c', tidyScript, place]);
    },
  };
}

const tidyScript = `
grep -F " $0/" /proc/self/mountinfo | cut -d' ' -f5 | sort -r | while read -r at; do umount -l "$at"; done
rm -rf "$0"`;

function startDaemon(place: string, socket: string, flags: readonly string[]): ChildProcess {
  const log = openSync(join(place, 'log'), 'a');
  const own = ['data-root', 'exec-root', 'pidfile'].flatMap((name) => [`--${name}`, join(place, name)]);
  const alone = ['--bridge=none', '--iptables=false', '--ip6tables=false', '--shutdown-timeout=1'];
  const daemon = spawn('unshare', ['--net', '--', 'dockerd', '-H', `unix://${socket}`, ...own, ...alone, ...flags], {
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  return daemon;
}

async function killed(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 'SIGKILL');
      if (/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))) return;
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function answers(api: Docker): Promise<boolean> {
  return api.ping().then(
    () => true,
    () => false,
  );
}
