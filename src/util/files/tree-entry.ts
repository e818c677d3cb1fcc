/** One file of a tree, with what `lstat` said about it. */
export interface TreeEntry {
  /** Relative to the tree's root, forward slashes, never starts with `/` or `..`. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  /** 0 for directories; the length of the target for symbolic links. */
  readonly sizeBytes: number;
  /** Permission bits with setuid, setgid and sticky: `0o755`. */
  readonly mode: number;
  /** Since the Unix epoch, with fraction. */
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly dev: number;
  readonly ino: number;
  readonly nlink: number;
}

/** A part of a tree that was left out, and why: a code as `EACCES`, or what kind of file it is. */
export interface SkippedPath {
  readonly path: string;
  readonly because: string;
}

/** A directory tree, or the named files of one. */
export interface Tree {
  /** Absolute. */
  readonly root: string;
  /**
   * Relative paths of what belongs to it; absent: everything below `root`. What comes with all that `lstat` said is
   * not looked at again.
   */
  readonly entries?: readonly (TreeEntry | { readonly path: string })[];
  /** In place of `entries`: what `allEntriesOf` gave for the tree. */
  readonly complete?: readonly TreeEntry[];
  /** In place of `entries`: the same as a list for copies. */
  readonly list?: CopyList;
}

/** What a tree holds, ready to be copied by threads into one directory after the other: nothing is done for each file then. */
export interface CopyList {
  /** All, each behind its parent directory. */
  readonly entries: readonly TreeEntry[];
  /** Files that a thread copies without a further thought. */
  readonly batches: readonly CopyListBatch[];
  /** How many these are, and what they hold. */
  readonly files: number;
  readonly totalBytes: number;
  /** All else, in the same order. */
  readonly others: readonly TreeEntry[];
}

/** What a thread is given at once. */
export interface CopyListBatch {
  readonly entries: readonly TreeEntry[];
  /** Relative paths with a zero byte between them. */
  readonly paths: string;
  /** Of modification, milliseconds since the Unix epoch. */
  readonly times: Float64Array;
}
