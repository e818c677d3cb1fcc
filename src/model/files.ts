import type { TreeEntry } from '../util/files/tree-entry.ts';

/**
 * Files that lie in one directory tree on this machine. An immutable tree may be layered, bound, hard linked below an
 * overlay or streamed; it must never be written through.
 */
export interface FileTree {
  /** Absolute path of the directory. */
  readonly root: string;
  /** The files that belong to the tree, relative to `root` with forward slashes; absent: everything below `root`. */
  readonly entries?: readonly FileEntry[];
  /** Nobody changes it while it is in use. */
  readonly immutable: boolean;
  /** Identity of the content for caching layers; equal ids mean equal content. */
  readonly id?: string;
  /** How much it holds, where that is known without a look. */
  readonly size?: { readonly files: number; readonly bytes: number };
  /** All that it holds, where that can be told without a walk; none of the files has a second name. */
  readonly contents?: () => Promise<readonly TreeEntry[]>;
  /** Are there several names of one file in it? Absent: none that matter, or it is not known. */
  readonly hasHardLinks?: boolean;
  /** Hash of paths, types, sizes, modes and times of all that it holds (`fingerprintOf`), where it is known. */
  readonly fingerprint?: string;
  /** What was once asked for and gave exactly this tree. */
  readonly takenBy?: {
    readonly selection: FileSelection;
    readonly unmatched: readonly string[];
    readonly outside: readonly string[];
  };
}

/** One entry of a tree, not followed where it is a link: then the size is that of its target's path. Directories have size 0. */
export interface FileEntry {
  /** Relative to the tree's root, forward slashes, never starts with `/` or `..`. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly sizeBytes: number;
}

/** Which files of a job to take: GitLab's `artifacts:` and `cache:` `paths`, `exclude`, `untracked`. */
export interface FileSelection {
  /**
   * Globs (doublestar, as GitLab Runner) or plain paths, relative to `base`. A directory stands for all below it.
   * Paths that lead outside of `base` are ignored with a warning.
   */
  readonly paths: readonly string[];
  readonly exclude: readonly string[];
  /** Also every file that git does not track (ignored ones too), as GitLab's `untracked: true`. */
  readonly untracked: boolean;
  /** `all`: `.git` as anything else. Absent: only where a pattern names it, as GitLab Runner. */
  readonly repositories?: 'all';
  /** Directory in the session; absolute, or relative to the session's directory. Default: the session's directory. */
  readonly base?: string;
}

/** What `SessionFiles.get` took. */
export interface TakenFiles {
  readonly entries: readonly FileEntry[];
  readonly totalBytes: number;
  /** Several of the entries are one file. */
  readonly hasHardLinks?: boolean;
  /** What was put into the directory, with all directories above the entries, where that is known without a look. */
  readonly laid?: readonly TreeEntry[];
  /** Patterns that matched nothing, in the order of the selection. */
  readonly unmatched: readonly string[];
  /** Patterns that led outside of the base directory and were ignored. */
  readonly outside: readonly string[];
  /** Files and directories that we may not read, left out. */
  readonly unreadable?: readonly string[];
}
