import { createHash } from 'node:crypto';
import { type FSWatcher, readdirSync, watch } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { withFileErrors } from '../model/file-errors.ts';
import type { ResourceLocks } from '../model/ports.ts';
import { deferred } from '../util/deferred.ts';
import { monotonicMs } from '../util/monotonic.ts';
import { lifeOf, type OwnerLife } from '../util/process-owner.ts';
import { isFree, makeNext, numbersIn, readHolder, release, writeOwn } from './lock-files.ts';

/** How often a waiter looks whether the holder died, and whether a change was missed. */
const lookAgainMs = 500;
const shortestPauseMs = 100;

/**
 * Locks between processes, as numbered files in a directory a name: the highest number tells who holds the lock.
 * To take it, one makes the next number by `link`, which succeeds for one process only; to release it, one marks the
 * own file as free. The highest file is never removed, so there is no moment at which a stale lock is "stolen".
 * @param directory on a local file system (`$XDG_RUNTIME_DIR/ci/locks`); made when needed.
 */
export function resourceLocks(directory: string): ResourceLocks {
  const queues = new Map<string, Promise<void>>();
  return {
    acquire: async (name, signal) => {
      signal.throwIfAborted();
      // Waiters of this process stand in line here; only the first one looks at files.
      const before = queues.get(name) ?? Promise.resolve();
      const turn = deferred();
      const line = before.then(() => turn.promise);
      queues.set(name, line);
      const leave = (): void => {
        turn.resolve();
        if (queues.get(name) === line) queues.delete(name);
      };
      try {
        await abortable(before, signal);
        const place = join(directory, createHash('sha256').update(name).digest('hex').slice(0, 32));
        const number = await withFileErrors({ doing: `lock ${name}`, path: place }, () => take(place, name, signal));
        let released = false;
        return {
          [Symbol.asyncDispose]: async () => {
            if (released) return;
            released = true;
            try {
              await release(place, number);
            } finally {
              leave();
            }
          },
        };
      } catch (error) {
        leave();
        throw error;
      }
    },
  };
}

async function abortable(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const stopped = deferred<never>();
  const stop = (): void => stopped.reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([work, stopped.promise]);
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', stop);
    stopped.promise.catch(() => {});
  }
}

async function take(place: string, name: string, signal: AbortSignal): Promise<number> {
  await mkdir(place, { recursive: true, mode: 0o700 });
  const own = await writeOwn(place, name);
  const changes = watchDirectory(place);
  try {
    for (;;) {
      const top = Math.max(0, ...numbersIn(place));
      if (isFree(place, top) && (await makeNext(place, own, top + 1))) return top + 1;
      await changes.next(signal);
    }
  } finally {
    changes.close();
    await rm(own, { force: true });
  }
}

/** A lock that is not free, and what is known of whoever holds it. */
export interface HeldLock {
  readonly name: string;
  readonly life: OwnerLife;
}

/** Locks that somebody holds, or held when he was killed. Never throws. */
export function listLocks(directory: string): readonly HeldLock[] {
  return namesIn(directory).flatMap((name) => {
    const place = join(directory, name);
    const last = Math.max(0, ...namesIn(place).map(Number).filter(Number.isInteger));
    try {
      const holder = readHolder(join(place, String(last)));
      return holder.state === 'held' ? [{ name: String(holder.name), life: lifeOf(holder.by, 'here') }] : [];
    } catch {
      return [];
    }
  });
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function watchDirectory(place: string): { next(signal: AbortSignal): Promise<void>; close(): void } {
  let watcher: FSWatcher | undefined;
  let changed: (() => void) | undefined;
  try {
    watcher = watch(place, () => changed?.());
    watcher.on('error', () => {});
  } catch {
    // No watches left: looking again from time to time has to do.
  }
  const start = monotonicMs();
  let last = start - shortestPauseMs;
  return {
    next: async (signal) => {
      signal.throwIfAborted();
      const woken = deferred();
      const timer = setTimeout(woken.resolve, watcher === undefined ? 2 * shortestPauseMs : lookAgainMs);
      let soon: NodeJS.Timeout | undefined;
      changed = () => {
        soon ??= setTimeout(woken.resolve, Math.max(0, last + shortestPauseMs - monotonicMs()));
      };
      try {
        await abortable(woken.promise, signal);
      } finally {
        clearTimeout(timer);
        clearTimeout(soon);
        changed = undefined;
        last = monotonicMs();
      }
    },
    close: () => watcher?.close(),
  };
}
