import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRecord } from '../../executors/docker/docker-context.ts';
import { isSameProcessAlive } from '../../util/process-identity.ts';
import type { Check } from './check.ts';

/** Locks between runs (`resource_group`): who holds them, and whether the holder lives. See `stores/resource-locks.ts`. */
export const locksCheck: Check = {
  id: 'locks',
  look: ({ locations }) => {
    const directory = join(locations.runtime, 'locks');
    const held: string[] = [];
    const stale: string[] = [];
    for (const place of namesIn(directory)) {
      const last = Math.max(0, ...namesIn(join(directory, place)).map(Number).filter(Number.isInteger));
      const holder = last === 0 ? undefined : holderIn(join(directory, place, String(last)));
      if (holder !== undefined) (holder.isAlive ? held : stale).push(holder.name);
    }
    const details = { held, stale };
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

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function holderIn(path: string): { readonly name: string; readonly isAlive: boolean } | undefined {
  try {
    const holder: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (!isRecord(holder) || holder.state !== 'held' || !isRecord(holder.by)) return undefined;
    const { pid, started, boot } = holder.by;
    const identity = { pid: Number(pid), started: String(started), boot: String(boot) };
    return { name: String(holder.name), isAlive: isSameProcessAlive(identity) };
  } catch {
    return undefined;
  }
}
