import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileThreads } from '../util/files/file-threads.ts';
import { isUnreadable } from '../util/files/is-unreadable.ts';
import { removeTree } from '../util/files/remove-tree.ts';
import { newDirectory } from '../util/files/shared-store.ts';
import { type SnapshotFilling, startFilling } from './fill-snapshot.ts';
import type { ListingWatch } from './list-tree-files.ts';

/** A snapshot that is filled while its files are listed. Disposing removes it if it was not published. */
export interface EarlySnapshot extends ListingWatch, AsyncDisposable {
  /** Absolute, as `newDirectory` gives it. */
  readonly directory: string;
  /** Undefined when the files were not listed one by one. */
  filling(): SnapshotFilling | undefined;
}

/** Starts a snapshot of which nothing can be shared with one before. */
export async function startEarly({
  storeDirectory,
  projectRoot,
  signal,
  threads,
}: {
  readonly storeDirectory: string;
  readonly projectRoot: string;
  readonly signal?: AbortSignal;
  /** Threads to copy with; they stay the caller's. */
  readonly threads?: FileThreads | undefined;
}): Promise<EarlySnapshot> {
  const directory = await newDirectory(storeDirectory);
  const tree = join(directory, 'tree');
  await mkdir(tree);
  let filling: SnapshotFilling | undefined;
  return {
    directory,
    filling: () => filling,
    expect: (names) => {
      filling = startFilling({
        projectRoot,
        tree,
        old: undefined,
        changed: 'all',
        expectedFiles: names,
        signal,
        threads,
      });
    },
    take: async (paths) => filling?.take(paths),
    found: (entry) => (isUnreadable(projectRoot, entry) ? undefined : filling?.place(entry)),
    [Symbol.asyncDispose]: async () => {
      await filling?.[Symbol.asyncDispose]();
      await removeTree(directory);
    },
  };
}
