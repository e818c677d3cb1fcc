import { lutimesSync, readlinkSync, symlinkSync } from 'node:fs';
import { errorCode } from './file-problem.ts';
import { removeTree } from './remove-tree.ts';
import type { TreeEntry } from './tree-entry.ts';

/** Runs `make`; when something is in the way, once more after removing that. */
export async function replacing(to: string, make: () => void): Promise<void> {
  try {
    make();
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    await removeTree(to);
    make();
  }
}

/** Makes a symbolic link as `from` is one, whatever is in its way, with the entry's time. */
export async function placeLink({
  from,
  entry,
  to,
}: {
  readonly from: string;
  readonly entry: TreeEntry;
  readonly to: string;
}): Promise<void> {
  const target = readlinkSync(from);
  await replacing(to, () => symlinkSync(target, to));
  const seconds = entry.mtimeMs / 1000;
  lutimesSync(to, seconds, seconds);
}
