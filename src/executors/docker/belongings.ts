import { removeTree } from '../../util/files/remove-tree.ts';
import type { Engine } from './engine.ts';
import { removeContainer } from './leftovers.ts';

/** What one session made and has to be removed after it. */
export interface Belongings {
  readonly containers: string[];
  readonly networks: string[];
  /** Names; those without a name go with their container. */
  readonly volumes: string[];
  /** Directories of this machine. */
  readonly directories: string[];
}

export function noBelongings(): Belongings {
  return { containers: [], networks: [], volumes: [], directories: [] };
}

/** Removes in the order in which one depends on the other; what can't be removed is left to a later sweep. */
export async function removeBelongings(engine: Engine, belongings: Belongings): Promise<void> {
  const { containers, networks, volumes, directories } = belongings;
  await Promise.allSettled(containers.map((id) => removeContainer(engine, id)));
  await Promise.allSettled([
    ...networks.map((id) => engine.api.getNetwork(id).remove()),
    ...volumes.map((name) => engine.api.getVolume(name).remove({ force: true })),
    ...directories.map((path) => removeTree(path)),
  ]);
}
