import { readdirSync, readFileSync } from 'node:fs';

/** Pid of what waits for the end of a running `ci`, to remove what it leaves; undefined: there is none (any more). */
export function reaperOf(pid: number): number | undefined {
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const children = readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim().split(' ');
    const reaper = children.find((child) => child !== '' && commandOf(child).includes('ci-reaper'));
    if (reaper !== undefined) return Number(reaper);
  }
  return undefined;
}

/** Kills a running `ci` together with its reaper: as when the machine loses its power. */
export function killWithReaper(pid: number): void {
  const reaper = reaperOf(pid);
  if (reaper !== undefined) process.kill(reaper, 'SIGKILL');
  process.kill(pid, 'SIGKILL');
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
