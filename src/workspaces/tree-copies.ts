import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import type { FileTree } from '../model/files.ts';
import { allEntriesOf, hasAllParents } from '../util/files/all-entries-of.ts';
import { cloneTree } from '../util/files/clone-tree.ts';
import { copyList } from '../util/files/copy-list.ts';
import { type FileThreads, fileThreads } from '../util/files/file-threads.ts';
import { reflinks } from '../util/files/reflinks.ts';
import { type RunElsewhere, removalsTogether } from '../util/files/remove-together.ts';
import type { CopyList, TreeEntry } from '../util/files/tree-entry.ts';
import { spareCopy } from './spare-copy.ts';

/** Copies the same trees into many directories, and removes these. */
export interface TreeCopies {
  /**
   * Copies an immutable tree over a directory, see `cloneTree`.
   * @throws the error of the operating system; the directory is then half filled.
   */
  copy(tree: FileTree, directory: string, signal: AbortSignal | undefined): Promise<'reflink' | 'copy'>;
  /** The same for a directory that is there and empty. It may be no more than to move there what `ahead` has copied. */
  copyInto(tree: FileTree, directory: string, signal: AbortSignal | undefined): Promise<'reflink' | 'copy'>;
  /** Call when a job is at work: if another one is about to come, a copy for it is begun. */
  ahead(): void;
  /** What copies and removes. */
  readonly threads: FileThreads;
  /** Removes a directory as `removeTree` does, with others of the same moment; by the threads that copy if there are any. */
  remove(directory: string): Promise<void>;
  /** Nothing is about to be copied, nor to be removed with others, any more. */
  hurry(): void;
  /** Ends what copies. */
  close(): Promise<void>;
}

/** What copies are made with. */
export interface TreeCopiesOptions {
  /** The user's `PATH`. */
  readonly path: string;
  /** Runs a program for less than it costs us. */
  readonly elsewhere?: RunElsewhere;
  /** Absent: nothing is copied ahead. */
  readonly ahead?: {
    /** How many jobs are about to come. */
    readonly jobs: number;
    /** Absolute path of a new directory each time, on the file system of the jobs' own. */
    directory(): string;
  };
}

/** Lists of more entries than this, all together, don't stay in memory. */
const mostRemembered = 100_000;
/** A larger tree is not copied for a job that may never come. */
const mostAhead = { files: 50_000, bytes: 256 << 20 };
/** So many copies must fit on the disk. */
const leastRoom = 8;

/** @returns copies that remember what trees hold and whether the file system knows reflinks. */
export function treeCopies({ path, elsewhere, ahead }: TreeCopiesOptions): TreeCopies {
  const known = new Map<string, Promise<CopyList>>();
  const threads = fileThreads(2);
  const removals = removalsTogether(path, elsewhere);
  let remembered = 0;
  let method: 'reflink' | 'copy' | undefined;

  const listed = (tree: FileTree): Promise<CopyList> | undefined => {
    const before = known.get(tree.root);
    const files = tree.size?.files ?? Number.POSITIVE_INFINITY;
    if (before !== undefined || tree.entries !== undefined || remembered + files > mostRemembered) return before;
    remembered += files;
    const list = contentsOf(tree).then(copyList);
    known.set(tree.root, list);
    return list;
  };

  const copy = async (tree: FileTree, directory: string, signal: AbortSignal | undefined) => {
    threads.expect(tree.size?.files ?? 0);
    const list = await listed(tree);
    const from = list === undefined ? tree : { root: tree.root, list };
    const cloned = await cloneTree(from, directory, { threads, ...(signal === undefined ? {} : { signal }) });
    method ??= await methodOf(tree, cloned.entries, directory);
    return method ?? 'copy';
  };
  const remove = async (directory: string): Promise<void> => {
    await threads.clear(directory);
    await removals.remove(directory);
  };
  const spare = ahead && spareCopy({ directory: ahead.directory, copy, remove });
  let jobsToCome = ahead?.jobs ?? 0;
  let last: { readonly tree: FileTree; readonly beside: string } | undefined;

  return {
    copy,
    copyInto: async (tree, directory, signal) => {
      jobsToCome--;
      last = { tree, beside: directory };
      const isAll = tree.entries === undefined;
      if (isAll && (await spare?.take(tree, directory, signal))) return method ?? 'copy';
      return copy(tree, directory, signal);
    },
    ahead: () => {
      if (jobsToCome > 0 && last !== undefined && isWorthAhead(last.tree, last.beside)) spare?.prepare(last.tree);
    },
    threads,
    remove,
    hurry: () => {
      jobsToCome = 0;
      removals.hurry();
    },
    close: async () => {
      await spare?.close();
      await threads.close();
    },
  };
}

/** @param beside a directory on the file system to which it would be copied. */
function isWorthAhead({ entries, size }: FileTree, beside: string): boolean {
  if (entries !== undefined || size === undefined) return false;
  if (size.files > mostAhead.files || size.bytes > mostAhead.bytes) return false;
  try {
    const { bavail, bsize } = statfsSync(beside);
    // The job that is at work comes first.
    return bavail * bsize > size.bytes * leastRoom;
  } catch {
    return false;
  }
}

async function contentsOf({ root, contents }: FileTree): Promise<readonly TreeEntry[]> {
  const entries = await contents?.();
  if (entries !== undefined && hasAllParents(entries)) return entries;
  return (await allEntriesOf(entries === undefined ? { root } : { root, entries })).entries;
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
