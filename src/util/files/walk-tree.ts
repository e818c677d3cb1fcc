import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { errorCode } from './file-problem.ts';
import { timeSlices } from './time-slice.ts';
import type { SkippedPath, TreeEntry } from './tree-entry.ts';

/** What `walkTree` found. */
export interface WalkedTree {
  /** Parents before children; siblings sorted by name (code units). The root itself is not among them. */
  readonly entries: readonly TreeEntry[];
  /** Directories that could not be read, and devices, sockets and pipes. */
  readonly skipped: readonly SkippedPath[];
}

/** How to walk. */
export interface WalkOptions {
  /** False leaves the entry out, and all below it. */
  readonly filter?: (path: string, type: TreeEntry['type']) => boolean;
  /** False: the directory itself is an entry, but nothing below it. */
  readonly descend?: (path: string) => boolean;
  readonly signal?: AbortSignal;
}

/**
 * All files below a directory. Symbolic links are entries and never followed, so loops do no harm (Node's recursive
 * `readdir` follows them). Iterative: depth costs no stack.
 * @throws the error of the operating system if `root` itself can't be read.
 */
export async function walkTree(root: string, options: WalkOptions = {}): Promise<WalkedTree> {
  const entries: TreeEntry[] = [];
  const skipped: SkippedPath[] = [];
  const breathe = timeSlices(options.signal);
  options.signal?.throwIfAborted();
  const open: TreeEntry[] = [];
  listInto(root, '', options, open, skipped);
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    entries.push(entry);
    if (entry.type !== 'directory' || options.descend?.(entry.path) === false) continue;
    await breathe();
    listInto(root, entry.path, options, open, skipped);
  }
  return { entries, skipped };
}

/** Pushes a directory's entries in reverse order, so that they are popped in order. */
function listInto(
  root: string,
  directory: string,
  options: WalkOptions,
  open: TreeEntry[],
  skipped: SkippedPath[],
): void {
  const listed = listDirectory(root, directory);
  if ('because' in listed) {
    if (directory === '') throw listed.error;
    if (listed.because !== 'ENOENT') skipped.push({ path: directory, because: listed.because });
    return;
  }
  for (const { path } of listed.children.reverse()) {
    const entry = readEntry(root, path);
    if (entry === undefined) {
      if (path.includes('\uFFFD')) skipped.push({ path, because: 'name is not UTF-8' });
      continue;
    }
    if ('because' in entry) skipped.push(entry);
    else if (options.filter?.(path, entry.type) !== false) open.push(entry);
  }
}

/** What `listDirectory` gives: children sorted by name, or why there are none. */
export type ListedDirectory =
  | { readonly children: { readonly path: string; readonly type: 'directory' | 'other' }[] }
  | { readonly because: string; readonly error: unknown };

/** The entries of one directory (`''`: the root), with paths relative to `root`. */
export function listDirectory(root: string, directory: string): ListedDirectory {
  try {
    const found = readdirSync(directory === '' ? root : `${root}/${directory}`, { withFileTypes: true });
    found.sort((a, b) => (a.name < b.name ? -1 : 1));
    return {
      children: found.map((child) => ({
        path: directory === '' ? child.name : `${directory}/${child.name}`,
        type: child.isDirectory() ? 'directory' : 'other',
      })),
    };
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    return { because: code, error };
  }
}

/** One entry by `lstat`; undefined if it is not there (any more), or why it can't be used. */
export function readEntry(root: string, path: string): TreeEntry | SkippedPath | undefined {
  try {
    const stats = lstatSync(`${root}/${path}`, { throwIfNoEntry: false });
    return stats === undefined ? undefined : entryOf(path, stats);
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    return code === 'ENOTDIR' ? undefined : { path, because: code };
  }
}

/** Makes an entry from what `lstat` said. */
export function entryOf(path: string, stats: Stats): TreeEntry | SkippedPath {
  const type = stats.isFile()
    ? 'file'
    : stats.isDirectory()
      ? 'directory'
      : stats.isSymbolicLink()
        ? 'symlink'
        : undefined;
  if (type === undefined) {
    return { path, because: stats.isFIFO() ? 'named pipe' : stats.isSocket() ? 'socket' : 'device' };
  }
  return {
    path,
    type,
    sizeBytes: type === 'directory' ? 0 : stats.size,
    mode: stats.mode & 0o7777,
    mtimeMs: stats.mtimeMs,
    ctimeMs: stats.ctimeMs,
    dev: stats.dev,
    ino: stats.ino,
    nlink: stats.nlink,
  };
}
