import { join } from 'node:path';
import type { FileTree } from '../model/files.ts';
import { cloneTree } from '../util/files/clone-tree.ts';
import { reflinks } from '../util/files/reflinks.ts';
import type { TreeEntry } from '../util/files/tree-entry.ts';
import { walkTree } from '../util/files/walk-tree.ts';

/** Copies the same trees into many directories. */
export interface TreeCopies {
  /**
   * Copies an immutable tree over a directory, see `cloneTree`.
   * @throws the error of the operating system; the directory is then half filled.
   */
  copy(tree: FileTree, directory: string, signal: AbortSignal | undefined): Promise<'reflink' | 'copy'>;
}

/** Larger trees are looked at each time, so that their lists don't stay in memory. */
const mostRemembered = 3000;

/** @returns copies that remember what small trees hold and whether the file system knows reflinks. */
export function treeCopies(): TreeCopies {
  const known = new WeakMap<FileTree, Promise<readonly TreeEntry[]>>();
  let method: 'reflink' | 'copy' | undefined;

  const listed = (tree: FileTree): Promise<readonly TreeEntry[]> | undefined => {
    const remembered = known.get(tree);
    if (remembered !== undefined || tree.entries !== undefined) return remembered;
    const isSmall = tree.size !== undefined && tree.size.files <= mostRemembered;
    const entries = tree.contents?.() ?? (isSmall ? walkTree(tree.root).then((walked) => walked.entries) : undefined);
    if (entries !== undefined) known.set(tree, entries);
    return entries;
  };

  return {
    copy: async (tree, directory, signal) => {
      const entries = await listed(tree);
      const from = entries === undefined ? tree : { root: tree.root, entries };
      const cloned = await cloneTree(from, directory, signal === undefined ? {} : { signal });
      method ??= await methodOf(tree, cloned.entries, directory);
      return method ?? 'copy';
    },
  };
}

/** Cloning takes a reflink wherever it can; one file tells whether it could. */
async function methodOf(
  tree: FileTree,
  entries: readonly TreeEntry[],
  directory: string,
): Promise<'reflink' | 'copy' | undefined> {
  const file = entries.find((entry) => entry.type === 'file' && entry.sizeBytes > 0);
  if (file === undefined) return undefined;
  return (await reflinks(join(tree.root, file.path), directory)) ? 'reflink' : 'copy';
}
