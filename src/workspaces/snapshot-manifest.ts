import { readFileSync } from 'node:fs';
import type { TreeEntry } from '../util/files/tree-entry.ts';
import { writeFileAtomic } from '../util/files/write-file-atomic.ts';

/** What a snapshot holds and how the user's files looked when they were copied. */
export interface SnapshotManifest {
  /** Milliseconds since the Unix epoch, before the first file was looked at. */
  readonly takenAtMs: number;
  /** Identity of the repository's state; `''` when the snapshot has no `.git`. */
  readonly gitState: string;
  readonly files: ReadonlyMap<string, RememberedFile>;
}

export interface RememberedFile {
  readonly type: TreeEntry['type'];
  readonly sizeBytes: number;
  readonly mode: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly ino: number;
}

const version = 1;
const letters = { file: 'f', directory: 'd', symlink: 'l' } as const;
const types = { f: 'file', d: 'directory', l: 'symlink' } as const;

/** Rows are `[path, letter, size, mode, mtime, ctime, inode]`. */
type Row = readonly [string, keyof typeof types, number, number, number, number, number];

/** Writes the manifest; entries whose `ctimeMs` is negative are never taken for unchanged. */
export function writeManifest(
  path: string,
  manifest: Omit<SnapshotManifest, 'files'> & { readonly entries: readonly TreeEntry[] },
): Promise<void> {
  const { entries, ...rest } = manifest;
  const rows: Row[] = entries.map((entry) => [
    entry.path,
    letters[entry.type],
    entry.sizeBytes,
    entry.mode,
    entry.mtimeMs,
    entry.ctimeMs,
    entry.ino,
  ]);
  return writeFileAtomic(path, JSON.stringify({ version, ...rest, rows }), { durable: 'fast' });
}

/** Undefined if it is not there or not of this program's version. */
export function readManifest(path: string): SnapshotManifest | undefined {
  try {
    const {
      version: found,
      rows,
      ...rest
    } = JSON.parse(readFileSync(path, 'utf8')) as Omit<SnapshotManifest, 'files'> & {
      readonly version: number;
      readonly rows: readonly Row[];
    };
    if (found !== version) return undefined;
    const files = new Map<string, RememberedFile>();
    for (const [name, letter, sizeBytes, mode, mtimeMs, ctimeMs, ino] of rows) {
      files.set(name, { type: types[letter], sizeBytes, mode, mtimeMs, ctimeMs, ino });
    }
    return { takenAtMs: rest.takenAtMs, gitState: rest.gitState, files };
  } catch {
    return undefined;
  }
}

/**
 * Whether a file is still what was copied. One that was changed about when the snapshot was taken may have changed
 * again without a trace (git's "racy" entries), so it counts as changed.
 */
export function isUnchanged(entry: TreeEntry, manifest: SnapshotManifest): boolean {
  const before = manifest.files.get(entry.path);
  if (before === undefined || before.type !== entry.type || before.mode !== entry.mode) return false;
  if (entry.type === 'directory') return true;
  if (before.sizeBytes !== entry.sizeBytes || before.ino !== entry.ino) return false;
  if (before.mtimeMs !== entry.mtimeMs || before.ctimeMs !== entry.ctimeMs) return false;
  // Whole seconds: the file system may not know finer times.
  const tickMs = entry.ctimeMs % 1000 === 0 ? 2000 : 20;
  return Math.max(entry.mtimeMs, entry.ctimeMs) < manifest.takenAtMs - tickMs;
}
