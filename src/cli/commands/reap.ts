import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { reapEngine } from '../../executors/docker/reap-engine.ts';
import { listUnkept } from '../../stores/kept-places.ts';
import { removeTree } from '../../util/files/remove-tree.ts';
import { monotonicMs } from '../../util/monotonic.ts';
import { isSameProcessAlive } from '../../util/process-identity.ts';
import { exitCodes } from '../exit-code.ts';
import { removeIfEmpty } from '../run/kept-jobs.ts';
import type { ReaperOrder } from '../run/reaper.ts';
import { freeWorkspaces } from '../run/tidy.ts';

/** How long an engine that is away is waited for, milliseconds. */
const limitMs = 60_000;
/** How long a process that has let go of us may take to be gone, milliseconds. */
const endMs = 5000;

/**
 * `ci __reap`: reads an order from standard input and removes what a killed run left. Run by what `startReaper`
 * started; says nothing, since nobody is there to read it.
 */
export async function reap(): Promise<number> {
  const { owner, workspaces, kept, path, engine } = JSON.parse(readFileSync(0, 'utf8')) as ReaperOrder;
  for (const until = monotonicMs() + endMs; isSameProcessAlive(owner); await sleep(10)) {
    // Then it is none of our business.
    if (monotonicMs() > until) return exitCodes.ok;
  }
  if (workspaces !== undefined) await freeWorkspaces(workspaces, path);
  if (kept !== undefined) await freeWorkspaces(kept, path);
  const removeDirectories = async (): Promise<void> => {
    const unkept = kept === undefined ? [] : listUnkept({ keptDirectory: kept });
    for (const directory of [...(workspaces === undefined ? [] : [workspaces]), ...unkept]) await removeTree(directory);
    if (kept !== undefined) await removeIfEmpty(kept);
  };
  if (engine === undefined) {
    await removeDirectories();
    return exitCodes.ok;
  }
  // Not before the containers are gone, which may be at work in them.
  const isClean = await reapEngine(engine, owner, { limitMs, onClean: removeDirectories });
  return isClean ? exitCodes.ok : exitCodes.system;
}
