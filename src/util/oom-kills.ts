import { readFileSync } from 'node:fs';
import { monotonicMs } from './monotonic.ts';

/** How many processes the kernel has ended for lack of memory so far; absent: the system does not tell. */
export interface OomKills {
  /** Anywhere on this machine. */
  readonly machine?: number;
  /** In the control group that this process is in; with version 2 also in those below it. */
  readonly own?: number;
}

/** Reads the kernel's counters. */
export function readOomKills(): OomKills {
  const machine = counter('/proc/vmstat');
  const own = ownFiles()
    .map(counter)
    .find((count) => count !== undefined);
  return { ...(machine === undefined ? {} : { machine }), ...(own === undefined ? {} : { own }) };
}

/**
 * Did the kernel end, for lack of memory, a process that died of KILL between two looks at the counters?
 * @returns `ruled-out`: it ended none. `possible`: it ended some of ours, or some of which it is not known whose they are. Undefined: not known.
 */
export function judgeKill(before: OomKills, after: OomKills): 'ruled-out' | 'possible' | undefined {
  if (before.machine === undefined || after.machine === undefined) return undefined;
  if (after.machine === before.machine) return 'ruled-out';
  if (before.own === undefined || after.own === undefined) return 'possible';
  // Somebody else's, or one of ours that had moved to another group.
  return after.own > before.own ? 'possible' : undefined;
}

/** Where the own group's counter may be, likeliest first: in a container the group's path is not ours to see. */
function ownFiles(): readonly string[] {
  const files: string[] = [];
  for (const line of text('/proc/self/cgroup').split('\n')) {
    const [number, kinds, ...path] = line.split(':');
    if (number === '0' && kinds === '') {
      files.push(`/sys/fs/cgroup${path.join(':')}/memory.events`, '/sys/fs/cgroup/memory.events');
    }
    if (kinds?.split(',').includes('memory')) {
      const tree = '/sys/fs/cgroup/memory';
      files.push(`${tree}${path.join(':')}/memory.oom_control`, `${tree}/memory.oom_control`);
    }
  }
  return files;
}

function counter(path: string): number | undefined {
  const found = /^oom_kill (\d+)$/m.exec(text(path))?.[1];
  return found === undefined ? undefined : Number(found);
}

function text(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** A reading that is no older stands for the time of a start, milliseconds: many start at once, and a reading costs each some 0.1 ms. */
const stillFreshMs = 250;

/** Remembers readings for a moment. */
export interface OomWatch {
  /** Call it when a process is started. @returns what judges how it was killed. */
  started(): () => 'ruled-out' | 'possible' | undefined;
}

/** Counts for each process what the kernel has done since it was started, or a moment before. */
export function oomWatch(read: () => OomKills = readOomKills, now: () => number = monotonicMs): OomWatch {
  let latest: { readonly kills: OomKills; readonly atMs: number } | undefined;
  const look = (): OomKills => {
    latest = { kills: read(), atMs: now() };
    return latest.kills;
  };
  return {
    started: () => {
      const before = latest !== undefined && now() - latest.atMs < stillFreshMs ? latest.kills : look();
      return () => judgeKill(before, look());
    },
  };
}
