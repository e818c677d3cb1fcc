import { readFileSync } from 'node:fs';
import type { TreeEntry } from '../util/files/tree-entry.ts';
import { writeFileAtomic } from '../util/files/write-file-atomic.ts';

/** What a snapshot holds and how the user's files looked when they were copied. */
export interface SnapshotManifest {
  /** Milliseconds since the Unix epoch, before the first file was looked at. */
  readonly takenAtMs: number;
  /** Identity of the repository's state; `''` when the snapshot has no `.git`. */
  readonly gitState: string;
  /** The paths with a zero byte between them. */
  readonly pathText: string;
  /** The same one by one, made when they are first asked for. */
  readonly paths: readonly string[];
  /** How many there are. */
  readonly length: number;
  /** `stampWidth` numbers for each path: type, size, mode, mtime, ctime, inode. */
  readonly stamps: Float64Array;
}

const version = 3;
/** Numbers that the manifest has for a file. */
export const stampWidth = 6;
const types = ['file', 'directory', 'symlink'] as const;
const directory = types.indexOf('directory');

interface Head extends Pick<SnapshotManifest, 'takenAtMs' | 'gitState'> {
  readonly version: number;
  readonly pathBytes: number;
  readonly files: number;
}

/** A file's numbers: type (its place in `types`), size, mode, mtime, ctime, inode. */
function stampOf({ type, sizeBytes, mode, mtimeMs, ctimeMs, ino }: TreeEntry): readonly number[] {
  return [types.indexOf(type), sizeBytes, mode, mtimeMs, ctimeMs, ino];
}

/**
 * Writes the manifest; entries whose `ctimeMs` is negative are never taken for unchanged. A line of JSON, the paths
 * with a zero byte between them, the stamps as they lie in memory: reading it costs a tenth of what JSON would.
 */
export function writeManifest(
  path: string,
  { takenAtMs, gitState, entries }: Pick<Head, 'takenAtMs' | 'gitState'> & { readonly entries: readonly TreeEntry[] },
): Promise<void> {
  const paths = Buffer.from(entries.map((entry) => entry.path).join('\0'));
  const stamps = new Float64Array(entries.length * stampWidth);
  entries.forEach((entry, index) => {
    stamps.set(stampOf(entry), index * stampWidth);
  });
  const head: Head = { version, takenAtMs, gitState, pathBytes: paths.length, files: entries.length };
  const content = Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), paths, Buffer.from(stamps.buffer)]);
  return writeFileAtomic(path, content, { durable: 'fast' });
}

/** Undefined if it is not there or not of this program's version. */
export function readManifest(path: string): SnapshotManifest | undefined {
  try {
    const content = readFileSync(path);
    const start = content.indexOf('\n') + 1;
    const head = JSON.parse(content.toString('utf8', 0, start)) as Head;
    if (head.version !== version) return undefined;
    const end = start + head.pathBytes;
    const pathText = content.toString('utf8', start, end);
    const { buffer, byteOffset, length } = content;
    const stamps = new Float64Array(buffer.slice(byteOffset + end, byteOffset + length));
    if (stamps.length !== head.files * stampWidth) return undefined;
    return manifestOf(head, pathText, stamps);
  } catch {
    return undefined;
  }
}

function manifestOf({ takenAtMs, gitState }: Head, pathText: string, stamps: Float64Array): SnapshotManifest {
  let paths: readonly string[] | undefined;
  return {
    takenAtMs,
    gitState,
    pathText,
    get paths() {
      paths ??= pathText === '' ? [] : pathText.split('\0');
      return paths;
    },
    length: stamps.length / stampWidth,
    stamps,
  };
}

/** Are these, in this order, all that the manifest has, and unchanged? */
export function isAllUnchanged(entries: readonly TreeEntry[], manifest: SnapshotManifest): boolean {
  return (
    entries.length === manifest.length &&
    entries.every((entry, index) => entry.path === manifest.paths[index] && isUnchangedAt(entry, index, manifest))
  );
}

/** Those that are still what was copied. */
export function unchangedOf(
  entries: readonly TreeEntry[],
  manifest: SnapshotManifest | undefined,
): ReadonlySet<TreeEntry> {
  if (manifest === undefined) return new Set();
  const places = new Map(manifest.paths.map((path, index) => [path, index]));
  return new Set(
    entries.filter((entry) => {
      const index = places.get(entry.path);
      return index !== undefined && isUnchangedAt(entry, index, manifest);
    }),
  );
}

/** A place that `types` gives a number. */
export function typeAt(stamps: Float64Array, at: number): TreeEntry['type'] | undefined {
  return types[stamps[at]!];
}

/**
 * Whether a file is still what was copied. One that was changed about when the snapshot was taken may have changed
 * again without a trace (git's "racy" entries), so it counts as changed.
 */
function isUnchangedAt(entry: TreeEntry, index: number, manifest: SnapshotManifest): boolean {
  return isSameStamp(stampOf(entry), 0, index, manifest);
}

/** The same of a file's numbers, which begin at `at`. */
export function isSameStamp(
  now: ArrayLike<number>,
  at: number,
  index: number,
  { stamps, takenAtMs }: SnapshotManifest,
): boolean {
  const then = index * stampWidth;
  if (stamps[then] !== now[at] || stamps[then + 2] !== now[at + 2]) return false;
  if (now[at] === directory) return true;
  for (let each = 1; each < stampWidth; each++) if (stamps[then + each] !== now[at + each]) return false;
  const [mtimeMs, ctimeMs] = [now[at + 3]!, now[at + 4]!];
  // Whole seconds: the file system may not know finer times.
  const tickMs = ctimeMs % 1000 === 0 ? 2000 : 20;
  return Math.max(mtimeMs, ctimeMs) < takenAtMs - tickMs;
}
