import { readFileSync } from 'node:fs';
import { statFields } from './process-stat.ts';

/** Names one process for good: a pid alone is used again after the process has ended. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Ticks since boot at which it started; `''` where the system does not tell. */
  readonly started: string;
  /** Of the system's current boot; `''` where the system does not tell. */
  readonly boot: string;
}

/** The identity of a process, by default this one; undefined if there is none with this pid. */
export function processIdentity(pid: number = process.pid): ProcessIdentity | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined;
  }
  return { pid, started: startTicks(pid), boot: read('/proc/sys/kernel/random/boot_id').trim() };
}

/** Is the process that once had this identity still there? */
export function isSameProcessAlive(identity: ProcessIdentity): boolean {
  const now = processIdentity(identity.pid);
  if (now === undefined || now.started !== identity.started || now.boot !== identity.boot) return false;
  // One that has ended and that nobody has waited for yet.
  return !['Z', 'X'].includes(statFields(identity.pid)?.[0] ?? '');
}

function startTicks(pid: number): string {
  return statFields(pid)?.[19] ?? '';
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
