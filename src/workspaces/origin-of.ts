import { lstatSync } from 'node:fs';
import type { TreeEntry } from '../util/files/tree-entry.ts';
import type { WorkspaceLayers } from './open-workspace.ts';

/**
 * Finds the file that an overlay shows at a path: in the directory of changes, else in the highest layer that has it.
 * Below a directory that was renamed the layers have other paths; then, as wherever the layer's own inode does not show
 * through, there is no answer. (A file that was changed keeps the inode of the layer it came from.)
 */
export function originOf(entry: TreeEntry, { changes, lowestFirst }: WorkspaceLayers): string | undefined {
  const changed = `${changes}/${entry.path}`;
  if (lstatSync(changed, { throwIfNoEntry: false })?.isFile()) return changed;
  for (let index = lowestFirst.length - 1; index >= 0; index--) {
    const path = `${lowestFirst[index]!.root}/${entry.path}`;
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isFile()) {
      return found.ino === entry.ino && found.size === entry.sizeBytes && found.mtimeMs === entry.mtimeMs
        ? path
        : undefined;
    }
  }
  return undefined;
}
