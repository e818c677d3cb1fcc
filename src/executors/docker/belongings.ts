import { removeTree } from '../../util/files/remove-tree.ts';
import type { Engine } from './engine.ts';
import { removeObject, type Unremoved } from './removal.ts';

/** What one session made and has to be removed after it. */
export interface Belongings {
  readonly containers: string[];
  readonly networks: string[];
  /** Names; those without a name go with their container. */
  readonly volumes: string[];
  /** Directories of this machine. */
  readonly directories: string[];
}

/** Empty lists, to be filled as things are made. */
export function noBelongings(): Belongings {
  return { containers: [], networks: [], volumes: [], directories: [] };
}

/**
 * Removes in the order in which one depends on the other.
 * @returns what is still at the engine: for the reaper, or for the next start's sweep.
 */
export async function removeBelongings(engine: Engine, belongings: Belongings): Promise<readonly Unremoved[]> {
  const { containers, networks, volumes, directories } = belongings;
  const first = await Promise.all(containers.map((id) => removeObject(engine, 'container', id)));
  const [then] = await Promise.all([
    Promise.all([
      ...networks.map((id) => removeObject(engine, 'network', id)),
      ...volumes.map((name) => removeObject(engine, 'volume', name)),
    ]),
    // A directory that can't be removed (files of another user) must not fail a job that has ended.
    Promise.allSettled(directories.map((path) => removeTree(path))),
  ]);
  return [...first, ...then].filter((each) => each !== undefined);
}
