import { lstatSync } from 'node:fs';
import type { TreeEntry } from '../util/files/tree-entry.ts';
import type { WorkspaceLayers } from './open-workspace.ts';

/**
 * Where the file that an overlay shows at a path may lie: in the directory of changes, if it is there at all, else in
 * the highest layer that has it. Below a directory that was renamed the layers have other paths; then, as wherever the
 * layer's own inode does not show through, there is no answer.
 */
export function* originsOf(entry: TreeEntry, { changes, lowestFirst }: WorkspaceLayers): Generator<string> {
  yield `${changes}/${entry.path}`;
  for (let index = lowestFirst.length - 1; index >= 0; index--) {
    const path = `${lowestFirst[index]!.root}/${entry.path}`;
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (!found?.isFile()) continue;
    if (found.ino === entry.ino && found.size === entry.sizeBytes && found.mtimeMs === entry.mtimeMs) yield path;
    return;
  }
}
