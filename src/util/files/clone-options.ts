import type { FileThreads } from './file-threads.ts';
import type { SkippedPath, TreeEntry } from './tree-entry.ts';

/** What `cloneTree` and `linkOrCopyTree` did. */
export interface ClonedTree {
  /** What was placed, directories first named before what is in them. */
  readonly entries: readonly TreeEntry[];
  readonly files: number;
  readonly totalBytes: number;
  /** Hard links made to files of the source. */
  readonly linked: number;
  readonly skipped: readonly SkippedPath[];
}

/** How to clone. */
export interface CloneOptions {
  /** Files copied at once; default 2, which is what a disk with two cores gains from. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
  /** Keep setuid, setgid and sticky bits; default `drop`. */
  readonly specialModes?: 'keep' | 'drop';
  /** Where an entry goes, relative to the target; default: its own path. Undefined leaves it out. */
  readonly rename?: (path: string) => string | undefined;
  /** Threads that are shared with other copies. */
  readonly threads?: FileThreads;
}

/** How to link. */
export interface LinkOptions extends CloneOptions {
  /**
   * Absolute paths of files that an entry's link is made to in place of the entry's own: the first that is there.
   * If none is, the file is copied.
   */
  readonly linkFrom?: (entry: TreeEntry) => Iterable<string>;
}
