import type { ResourceUse } from '../../model/outcome.ts';
import { type ProcessUsage, usageOfSessions } from '../../util/process-usage.ts';

/** A script that has run for so long is looked at, milliseconds. Others cost nothing, and nothing is known of them. */
const worthWatchingMs = 1000;
const periodMs = 500;

interface UsageWatcher {
  /** The most memory that is known already. */
  readonly peakBytes: () => number;
  readonly onUsage: (usage: ProcessUsage) => void;
}

/** Looks at running scripts now and then: one look at the system's processes for all of them. */
export interface UsageWatch {
  /** @returns the watch of one script, which ends it when called. */
  watch(leader: number, watcher: UsageWatcher): () => void;
}

/** Makes a watch for the scripts of all jobs. */
export function usageWatch(): UsageWatch {
  const watched = new Map<number, UsageWatcher>();
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    const leaders = new Map([...watched].map(([leader, { peakBytes }]) => [leader, peakBytes()]));
    for (const [leader, usage] of usageOfSessions(leaders)) watched.get(leader)?.onUsage(usage);
  };
  const begin = (leader: number, watcher: UsageWatcher): void => {
    watched.set(leader, watcher);
    look();
    timer ??= setInterval(look, periodMs).unref();
  };
  return {
    watch: (leader, watcher) => {
      const soon = setTimeout(begin, worthWatchingMs, leader, watcher).unref();
      return () => {
        clearTimeout(soon);
        watched.delete(leader);
        if (watched.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
  };
}

/** Adds up what the scripts of one job used. */
export interface SessionUsage {
  /** A script has been started. @returns what ends the watching. */
  started(leader: number): () => void;
  /** So far; undefined: no script has run for long enough. */
  total(): ResourceUse | undefined;
}

/** Makes one for a job of which nothing has been started. */
export function sessionUsage(watch: UsageWatch): SessionUsage {
  const scripts: (ProcessUsage | undefined)[] = [];
  return {
    started: (leader) => {
      const number = scripts.push(undefined) - 1;
      return watch.watch(leader, {
        peakBytes: () => scripts[number]?.memoryBytes ?? 0,
        onUsage: (usage) => {
          scripts[number] = mostOf(scripts[number], usage);
        },
      });
    },
    total: () => {
      const seen = scripts.filter((usage) => usage !== undefined);
      if (seen.length === 0) return undefined;
      const { memoryBytes, ...counters } = seen.reduce(added);
      return { ...counters, memoryPeakBytes: memoryBytes };
    },
  };
}

/** The most of each: what a process used that has ended is missed where nobody waited for it. */
function mostOf(before: ProcessUsage | undefined, now: ProcessUsage): ProcessUsage {
  return before === undefined ? now : combined(before, now, Math.max);
}

function added(one: ProcessUsage, other: ProcessUsage): ProcessUsage {
  return combined(one, other, (a, b) => a + b);
}

/** Memory is never added: scripts run one after the other. What is not known of one of them is not known. */
function combined(one: ProcessUsage, other: ProcessUsage, how: (a: number, b: number) => number): ProcessUsage {
  const known = (a: number | undefined, b: number | undefined): number | undefined =>
    a === undefined || b === undefined ? undefined : how(a, b);
  const diskReadBytes = known(one.diskReadBytes, other.diskReadBytes);
  const diskWrittenBytes = known(one.diskWrittenBytes, other.diskWrittenBytes);
  return {
    cpuMs: how(one.cpuMs, other.cpuMs),
    memoryBytes: Math.max(one.memoryBytes, other.memoryBytes),
    ...(diskReadBytes === undefined ? {} : { diskReadBytes }),
    ...(diskWrittenBytes === undefined ? {} : { diskWrittenBytes }),
  };
}
