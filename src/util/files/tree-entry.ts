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
}
