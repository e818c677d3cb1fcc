import { readdirSync, readFileSync } from 'node:fs';
import { fieldsIn } from './process-stat.ts';

/** What processes use, as far as the system tells. */
export interface ProcessUsage {
  /** Of those that live and of their children that have ended. */
  readonly cpuMs: number;
  /**
   * Memory of their own (not of programs' files) at this moment. What processes share since one was forked from the other counts
   * once, or where finding that out would cost too much (`closeLook`) in each.
   */
  readonly memoryBytes: number;
  /** Absent: another user's process is among them, or the system does not count. */
  readonly diskReadBytes?: number;
  readonly diskWrittenBytes?: number;
}

/** In which `/proc` counts time, whatever the kernel's own clock; the same on every system that Node runs on. */
const ticksPerSecond = 100;

interface Stat {
  readonly parent: number;
  readonly session: number;
  readonly cpuTicks: number;
}

/**
 * What each session leader and all that has come of it use now: members of its session, and descendants that have left it.
 * One look at the processes for all of them. Empty where there is no `/proc`.
 * @param leaders pids of session leaders, with the memory in bytes that each is known to have had: less is not looked at closely. Processes with smaller pids than all of them are not looked at, unless the system has begun
 * again at small ones: then what is younger may be missed.
 */
export function usageOfSessions(leaders: ReadonlyMap<number, number>): ReadonlyMap<number, ProcessUsage> {
  const oldest = Math.min(...leaders.keys());
  const stats = new Map<number, Stat>();
  for (const pid of pidsFrom(oldest)) {
    const stat = statOf(pid);
    if (stat !== undefined) stats.set(pid, stat);
  }
  const leaderOf = (pid: number): number | undefined => {
    const seen = new Set<number>();
    for (let at = pid; !seen.has(at); ) {
      seen.add(at);
      const stat = stats.get(at);
      if (stat === undefined) return undefined;
      if (leaders.has(stat.session)) return stat.session;
      at = stat.parent;
    }
    return undefined;
  };
  const families = new Map<number, number[]>();
  for (const pid of stats.keys()) {
    const leader = leaderOf(pid);
    if (leader !== undefined) families.set(leader, [...(families.get(leader) ?? []), pid]);
  }
  return new Map([...families].map(([leader, pids]) => [leader, usageOf(pids, stats, leaders.get(leader)!)]));
}

function pidsFrom(oldest: number): readonly number[] {
  try {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid >= oldest);
  } catch {
    return [];
  }
}

/** The time of children that were waited for is in their parent's, so nothing is counted twice and little is missed. */
function usageOf(pids: readonly number[], stats: ReadonlyMap<number, Stat>, knownBytes: number): ProcessUsage {
  let cpuTicks = 0;
  const anonymous = new Map<number, number>();
  let mostShared = 0;
  let disk: { read: number; written: number } | undefined = { read: 0, written: 0 };
  for (const pid of pids) {
    cpuTicks += stats.get(pid)!.cpuTicks;
    const status = read(pid, 'status');
    anonymous.set(pid, (numberIn(status, /^RssAnon:\s*(\d+) kB$/m) ?? 0) * 1024);
    // Most often the same memory in all of them.
    mostShared = Math.max(mostShared, (numberIn(status, /^RssShmem:\s*(\d+) kB$/m) ?? 0) * 1024);
    const io = read(pid, 'io');
    const bytesRead = numberIn(io, /^read_bytes: (\d+)$/m);
    const bytesWritten = numberIn(io, /^write_bytes: (\d+)$/m);
    if (bytesRead === undefined || bytesWritten === undefined) disk = undefined;
    else if (disk !== undefined) disk = { read: disk.read + bytesRead, written: disk.written + bytesWritten };
  }
  return {
    cpuMs: (cpuTicks / ticksPerSecond) * 1000,
    memoryBytes: memoryOf(anonymous, knownBytes - mostShared) + mostShared,
    ...(disk === undefined ? {} : { diskReadBytes: disk.read, diskWrittenBytes: disk.written }),
  };
}

/** The kernel looks at each page for this, some 10 ms for a gigabyte: not where most can't be shared, nor for very much. */
const closeLook = { fromBytes: 32 << 20, toBytes: 2 ** 30 };

/** Anonymous memory of all, in bytes, what they share counted once where it may be much. */
function memoryOf(anonymous: ReadonlyMap<number, number>, knownBytes: number): number {
  const sizes = [...anonymous.values()];
  const sum = sizes.reduce((total, bytes) => total + bytes, 0);
  if (sum <= knownBytes || sum > closeLook.toBytes || sum - Math.max(...sizes) < closeLook.fromBytes) return sum;
  let proportional = 0;
  for (const [pid, bytes] of anonymous) {
    // Another user's, or one of a kernel that does not count: as if it shared nothing.
    proportional += (numberIn(read(pid, 'smaps_rollup'), /^Pss_Anon:\s*(\d+) kB$/m) ?? bytes / 1024) * 1024;
  }
  return proportional;
}

function statOf(pid: number): Stat | undefined {
  const stat = read(pid, 'stat');
  if (stat === '') return undefined;
  const fields = fieldsIn(stat);
  const cpuTicks = fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0);
  return { parent: Number(fields[1]), session: Number(fields[3]), cpuTicks };
}

function numberIn(text: string, pattern: RegExp): number | undefined {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Empty: the process is gone, or not ours to look at. */
function read(pid: number, file: 'stat' | 'status' | 'io' | 'smaps_rollup'): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  } finally {
    Error.stackTraceLimit = limit;
  }
}
