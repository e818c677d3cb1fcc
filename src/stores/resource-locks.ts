import { createHash, randomBytes } from 'node:crypto';
import { type FSWatcher, readdirSync, readFileSync, watch } from 'node:fs';
import { link, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withFileErrors } from '../model/file-errors.ts';
import type { ResourceLocks } from '../model/ports.ts';
import { deferred } from '../util/deferred.ts';
import { errorCode } from '../util/files/file-problem.ts';
import { writeFileAtomic } from '../util/files/write-file-atomic.ts';
import { monotonicMs } from '../util/monotonic.ts';
import type { ProcessIdentity } from '../util/process-identity.ts';
import { lifeOf, type Owner, type OwnerLife, thisOwner } from '../util/process-owner.ts';

/** Content of a lock file. */
type Holder =
  | {
      readonly state: 'held';
      readonly name: string /** Less of it by older versions. */;
      readonly by: Owner | ProcessIdentity;
    }
  | { readonly state: 'free' };

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
              await writeFileAtomic(join(place, String(number)), JSON.stringify({ state: 'free' }), {
                durable: 'fast',
              });
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
  const own = join(place, `.own-${process.pid}-${randomBytes(6).toString('hex')}`);
  const held: Holder = { state: 'held', name, by: thisOwner() };
  await writeFile(own, JSON.stringify(held), { flag: 'wx', mode: 0o600 });
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

function numbersIn(place: string): number[] {
  return readdirSync(place).flatMap((file) => (/^[1-9]\d*$/.test(file) ? [Number(file)] : []));
}

/** No lock yet, released, or held by a process that is gone. */
function isFree(place: string, number: number): boolean {
  if (number === 0) return true;
  try {
    const holder = readHolder(join(place, String(number)));
    return holder.state === 'free' || lifeOf(holder.by, 'here') === 'over';
  } catch (error) {
    // Gone: a higher number has come. Damaged (a power cut): nobody can hold it.
    if (errorCode(error) !== undefined) return false;
    return true;
  }
}

function readHolder(path: string): Holder {
  return JSON.parse(readFileSync(path, 'utf8')) as Holder;
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

async function makeNext(place: string, own: string, number: number): Promise<boolean> {
  try {
    await link(own, join(place, String(number)));
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
  const others = numbersIn(place).filter((other) => other !== number);
  // A higher one: what was read before is long past, and this number was free only because it was cleaned away.
  const late = others.some((other) => other > number);
  const abandoned = readdirSync(place).filter((file) => file.startsWith('.own-') && isAbandoned(join(place, file)));
  await Promise.all(abandoned.map((file) => rm(join(place, file), { force: true })));
  await Promise.all((late ? [number] : others).map((other) => rm(join(place, String(other)), { force: true })));
  return !late;
}

function isAbandoned(own: string): boolean {
  try {
    const holder = readHolder(own);
    return holder.state === 'held' && lifeOf(holder.by, 'here') === 'over';
  } catch {
    // Just being written, or gone.
    return false;
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
