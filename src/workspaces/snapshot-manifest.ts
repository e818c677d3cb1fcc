import { readFileSync } from 'node:fs';
import { stampTypes as types } from '../util/files/stamped-entry.ts';
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
/** Numbers that the manifest has for a file: the first of those that `stampedEntry` knows. */
export const stampWidth = 6;
const directory = types.indexOf('directory');

interface Head extends Pick<SnapshotManifest, 'takenAtMs' | 'gitState'> {
  readonly version: number;
  readonly pathBytes: number;
  readonly files: number;
}

/** A file's numbers: type (its place in `types`), size, mode, mtime, ctime, inode. */
function setStamp(stamps: Float64Array, at: number, entry: TreeEntry): void {
  stamps[at] = types.indexOf(entry.type);
  stamps[at + 1] = entry.sizeBytes;
  stamps[at + 2] = entry.mode;
  stamps[at + 3] = entry.mtimeMs;
  stamps[at + 4] = entry.ctimeMs;
  stamps[at + 5] = entry.ino;
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
    setStamp(stamps, index * stampWidth, entry);
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
  if (entries.length !== manifest.length) return false;
  const stamp = new Float64Array(stampWidth);
  return entries.every((entry, index) => {
    if (entry.path !== manifest.paths[index]) return false;
    setStamp(stamp, 0, entry);
    return isSameStamp(stamp, 0, index, manifest);
  });
}

/** What of a snapshot can be kept. */
export interface Comparison {
  /** Entries that are not, or no longer, what was copied. */
  readonly changed: ReadonlySet<TreeEntry>;
  /** Paths of the snapshot that none of these has, in the manifest's order. */
  readonly outdated: readonly string[];
}

/** Compares the files that there are now with a snapshot. */
export function compareWith(entries: readonly TreeEntry[], manifest: SnapshotManifest | undefined): Comparison {
  if (manifest === undefined) return { changed: new Set(entries), outdated: [] };
  const placeOf = placesOf(manifest.paths);
  const kept = new Uint8Array(manifest.length);
  const stamp = new Float64Array(stampWidth);
  const changed = entries.filter((entry) => {
    const index = placeOf(entry.path);
    if (index === undefined) return true;
    setStamp(stamp, 0, entry);
    kept[index] = isSameStamp(stamp, 0, index, manifest) ? 1 : 0;
    return kept[index] === 0;
  });
  return { changed: new Set(changed), outdated: manifest.paths.filter((_, index) => kept[index] === 0) };
}

/** Where a path is in a list; a table of them all is only made once it is asked in another order than the list's. */
export function placesOf(paths: readonly string[]): (path: string) => number | undefined {
  let next = 0;
  let places: ReadonlyMap<string, number> | undefined;
  return (path) => {
    if (paths[next] === path) return next++;
    places ??= new Map(paths.map((each, index) => [each, index]));
    const index = places.get(path);
    if (index !== undefined) next = index + 1;
    return index;
  };
}

/** A place that `types` gives a number. */
export function typeAt(stamps: Float64Array, at: number): TreeEntry['type'] | undefined {
  return types[stamps[at]!];
}

/**
 * Whether a file is still what was copied, by its numbers, which begin at `at`. One that was changed about when the
 * snapshot was taken may have changed again without a trace (git's "racy" entries), so it counts as changed.
 */
export function isSameStamp(
  now: Float64Array,
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
