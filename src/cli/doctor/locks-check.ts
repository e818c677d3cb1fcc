import { join } from 'node:path';
import { type HeldLock, listLocks } from '../../stores/resource-locks.ts';
import type { Check } from './check.ts';

/** Locks between runs (`resource_group`): who holds them, and whether the holder lives. */
export const locksCheck: Check = {
  id: 'locks',
  look: ({ locations }) => {
    const directory = join(locations.runtime, 'locks');
    const locks = listLocks(directory);
    const of = (life: HeldLock['life']): readonly string[] =>
      locks.filter((lock) => lock.life === life).map(({ name }) => name);
    const [held, stale, unknown] = [of('going on'), of('over'), of('unknown')];
    const details = { held, stale, unknown };
    if (unknown.length > 0) {
      const message = `held by what can't be seen from here (a container, another machine): ${unknown.join(', ')}`;
      const fix = `if nothing of that is at work any more, remove ${directory}`;
      return { status: 'warn', message, fix, details };
    }
    if (stale.length > 0) {
      // Whoever wants one next takes it over: nothing is wrong.
      const message = `left by killed runs, free for the next: ${stale.join(', ')}`;
      return { status: 'ok', message, details };
    }
    return {
      status: 'ok',
      message: held.length === 0 ? 'none held' : `held by runs under way: ${held.join(', ')}`,
      details,
    };
  },
};
