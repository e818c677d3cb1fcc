import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprintOf } from '../util/files/fingerprint.ts';
import type { TreeEntry } from '../util/files/tree-entry.ts';

/** What a version of a cache holds, in columns: an object for each of many files takes several times as long to read. */
interface StoredList {
  /** Paths, each with the first letter of its type before it, joined by NUL. */
  readonly paths: string;
  readonly sizes: readonly number[];
  readonly modes: readonly number[];
  /** Milliseconds since the Unix epoch. */
  readonly times: readonly number[];
}

const fileName = 'list.json';
const types = { f: 'file', d: 'directory', s: 'symlink' } as const;

/** Writes what is in a version beside its files, so that no job has to walk through them. */
export async function writeCacheList(version: string, entries: readonly TreeEntry[]): Promise<void> {
  const list: StoredList = {
    paths: entries.map(({ type, path }) => type[0] + path).join('\0'),
    sizes: entries.map(({ sizeBytes }) => sizeBytes),
    modes: entries.map(({ mode }) => mode),
    times: entries.map(({ mtimeMs }) => mtimeMs),
  };
  await writeFile(join(version, fileName), JSON.stringify(list));
}

/**
 * @param fingerprint of what is to be in the list.
 * @returns as `walkTree` would, but for the time of change and the inode, where each file has one name; undefined if
 * there is no such list.
 */
export async function readCacheList(version: string, fingerprint: string): Promise<readonly TreeEntry[] | undefined> {
  let entries: readonly TreeEntry[];
  try {
    entries = entriesOf(JSON.parse(await readFile(join(version, fileName), 'utf8')));
  } catch {
    return undefined;
  }
  return fingerprintOf(entries) === fingerprint ? entries : undefined;
}

function entriesOf({ paths, sizes, modes, times }: StoredList): readonly TreeEntry[] {
  return paths.split('\0').map((text, index) => ({
    path: text.slice(1),
    type: types[text[0] as keyof typeof types],
    sizeBytes: sizes[index]!,
    mode: modes[index]!,
    mtimeMs: times[index]!,
    ctimeMs: 0,
    dev: 0,
    ino: 0,
    nlink: 1,
  }));
}
