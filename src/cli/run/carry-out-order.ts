import { reapEngine } from '../../executors/docker/reap-engine.ts';
import { listUnkept } from '../../stores/kept-places.ts';
import { removeTree } from '../../util/files/remove-tree.ts';
import { removeIfEmpty } from './kept-jobs.ts';
import type { ReaperOrder } from './reaper.ts';
import { freeWorkspaces } from './tidy.ts';

/** How long an engine that is away is waited for, milliseconds. */
const limitMs = 60_000;

/**
 * Removes what a process that has ended left: processes, mounts, containers, directories.
 * @returns `left`: an engine did not do its part, so the directories stay, too.
 */
export async function carryOutOrder(order: ReaperOrder): Promise<'clean' | 'left'> {
  const { owner, workspaces, kept, path, engines } = order;
  if (workspaces !== undefined) await freeWorkspaces(workspaces, path);
  if (kept !== undefined) await freeWorkspaces(kept, path);
  const removeDirectories = async (): Promise<void> => {
    const unkept = kept === undefined ? [] : listUnkept({ keptDirectory: kept });
    for (const directory of [...(workspaces === undefined ? [] : [workspaces]), ...unkept]) await removeTree(directory);
    if (kept !== undefined) await removeIfEmpty(kept);
  };
  if (engines.length === 0) {
    await removeDirectories();
    return 'clean';
  }
  // Not before the containers are gone, which may be at work in them.
  let unclean = engines.length;
  const onClean = async (): Promise<void> => {
    unclean -= 1;
    if (unclean === 0) await removeDirectories();
  };
  const reaped = await Promise.all(engines.map((engine) => reapEngine(engine, owner, { limitMs, onClean })));
  return reaped.every((isClean) => isClean) ? 'clean' : 'left';
}
