import { join } from 'node:path';
import type { FileTree } from '../model/files.ts';
import { cloneTree } from '../util/files/clone-tree.ts';
import { copyThreads } from '../util/files/file-copier.ts';
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
  /** Ends what copies. */
  close(): Promise<void>;
}

/** Lists of more entries than this, all together, don't stay in memory. */
const mostRemembered = 100_000;

/** @returns copies that remember what trees hold and whether the file system knows reflinks. */
export function treeCopies(): TreeCopies {
  const known = new Map<string, Promise<readonly TreeEntry[]>>();
  const threads = copyThreads(2);
  let remembered = 0;
  let method: 'reflink' | 'copy' | undefined;

  const listed = (tree: FileTree): Promise<readonly TreeEntry[]> | undefined => {
    const before = known.get(tree.root);
    const files = tree.size?.files ?? Number.POSITIVE_INFINITY;
    if (before !== undefined || tree.entries !== undefined || remembered + files > mostRemembered) return before;
    remembered += files;
    const entries = tree.contents?.() ?? walkTree(tree.root).then((walked) => walked.entries);
    known.set(tree.root, entries);
    return entries;
  };

  return {
    copy: async (tree, directory, signal) => {
      threads.expect(tree.size?.files ?? 0);
      const entries = await listed(tree);
      const from = entries === undefined ? tree : { root: tree.root, entries };
      const cloned = await cloneTree(from, directory, { threads, ...(signal === undefined ? {} : { signal }) });
      method ??= await methodOf(tree, cloned.entries, directory);
      return method ?? 'copy';
    },
    close: threads.close,
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
