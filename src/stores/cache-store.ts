import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withFileErrors } from '../model/file-errors.ts';
import type { CacheHit, CachePort } from '../model/ports.ts';
import { errorCode } from '../util/files/file-problem.ts';
import { fingerprintOf } from '../util/files/fingerprint.ts';
import { removeTree } from '../util/files/remove-tree.ts';
import { markUsed, newDirectory, publish, removeUnused, type Usage } from '../util/files/shared-store.ts';
import { walkTree } from '../util/files/walk-tree.ts';
import { writeFileAtomic } from '../util/files/write-file-atomic.ts';
import { type CachePointer, keyDirectory, readPointer, versionPrefix } from './cache-entry.ts';
import { readCacheList, writeCacheList } from './cache-list.ts';

/** Caches of one project. Dispose at the end of the run: until then what was restored is not removed. */
export interface CacheStore extends CachePort, AsyncDisposable {}

/** Where and when. */
export interface CacheStoreOptions {
  /** `<cache>/caches/<project key>`, absolute; made when needed. See `projectCacheDirectory`. */
  readonly directory: string;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** How often a reader tries again when the cache was replaced between looking and taking. */
const attempts = 5;

/** A project's caches in the cache directory (`$XDG_CACHE_HOME/ci`). */
export function projectCacheDirectory(cacheDirectory: string, projectKey: string): string {
  return join(cacheDirectory, 'caches', projectKey);
}

/**
 * Caches as directories that never change: a save writes a new one beside the old and then swaps a pointer file, so a
 * reader, also after a crash at any point, sees the old cache or the new one. Keys never get into paths.
 */
export function cacheStore({ directory, now }: CacheStoreOptions): CacheStore {
  const usages: Usage[] = [];
  const open = async (name: string): Promise<CacheHit | undefined> => {
    const place = join(directory, name);
    const current = await takeCurrent(place);
    if (current === undefined) return undefined;
    usages.push(current.usage);
    await touch(place, now());
    return cacheHit(place, current.pointer);
  };
  return {
    restore: (key, match, signal) =>
      withFileErrors({ doing: `restore the cache ${key}`, path: directory }, async () => {
        signal.throwIfAborted();
        for (const name of match === 'exact' ? [keyDirectory(key)] : namesByPrefix(directory, key)) {
          const hit = await open(name);
          if (hit !== undefined) return hit;
        }
        return undefined;
      }),
    save: (key, options, fill, signal) =>
      withFileErrors({ doing: `save the cache ${key}`, path: directory }, async () => {
        signal.throwIfAborted();
        return save({ directory, now }, key, options, fill, signal);
      }),
    [Symbol.asyncDispose]: async () => {
      for (const usage of usages.splice(0)) await usage.release();
    },
  };
}

/** What a pointer stands for, marked as used so that nobody removes it; undefined: there is no cache. */
async function takeCurrent(
  place: string,
): Promise<{ readonly pointer: CachePointer; readonly usage: Usage } | undefined> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const pointer = readPointer(place);
    if (pointer === undefined) return undefined;
    const usage = await markUsed(place, pointer.version);
    if (usage !== undefined) return { pointer, usage };
  }
  return undefined;
}

function cacheHit(place: string, pointer: CachePointer): CacheHit {
  const version = join(place, pointer.version);
  const root = join(version, 'files');
  const { files, totalBytes: bytes, fingerprint, hasHardLinks = false, takenBy } = pointer;
  const contents = async () => (await readCacheList(version, fingerprint)) ?? (await walkTree(root)).entries;
  const known = {
    size: { files, bytes },
    fingerprint,
    hasHardLinks,
    ...(hasHardLinks ? {} : { contents }),
    ...(takenBy === undefined ? {} : { takenBy }),
  };
  return { key: pointer.key, tree: { root, immutable: true, id: pointer.version, ...known } };
}

/** Caches whose key begins so, newest first. */
function namesByPrefix(directory: string, prefix: string): readonly string[] {
  return pointersIn(directory)
    .filter(({ pointer }) => pointer.key.startsWith(prefix))
    .sort((a, b) => b.pointer.savedAtMs - a.pointer.savedAtMs)
    .map(({ name }) => name);
}

async function save(
  { directory, now }: CacheStoreOptions,
  ...[key, { overwrite, selection }, fill, signal]: Parameters<CachePort['save']>
): ReturnType<CachePort['save']> {
  const place = join(directory, keyDirectory(key));
  const before = readPointer(place);
  if (before !== undefined && !overwrite && existsSync(join(place, before.version))) return 'exists';
  // Files of the user's, which other users of the machine may not read.
  await mkdir(place, { recursive: true, mode: 0o700 });
  const staging = await newDirectory(place);
  try {
    const files = join(staging, 'files');
    await mkdir(files);
    const taken = await fill(files);
    signal.throwIfAborted();
    if (taken.entries.length === 0) return 'empty';
    const { entries } = await walkTree(files, { signal });
    // Nobody could use it for files with several names.
    if (!taken.hasHardLinks) await writeCacheList(staging, entries);
    const pointer: CachePointer = {
      version: `${versionPrefix}${randomBytes(8).toString('hex')}`,
      key,
      savedAtMs: now(),
      files: entries.filter((entry) => entry.type === 'file').length,
      totalBytes: entries.reduce((sum, entry) => sum + (entry.type === 'file' ? entry.sizeBytes : 0), 0),
      fingerprint: fingerprintOf(entries),
      hasHardLinks: taken.hasHardLinks ?? false,
      ...(selection === undefined
        ? {}
        : { takenBy: { selection, unmatched: taken.unmatched, outside: taken.outside } }),
    };
    await swap(place, staging, pointer, now());
    return 'saved';
  } finally {
    await removeTree(staging);
  }
}

async function swap(place: string, staging: string, pointer: CachePointer, nowMs: number): Promise<void> {
  const usage = await publish(place, staging, pointer.version);
  try {
    await writeFileAtomic(join(place, 'current'), JSON.stringify(pointer));
    await touch(place, nowMs);
  } finally {
    await usage.release();
  }
  await removeUnused(place, versionPrefix, (version) => version === readPointer(place)?.version);
}

/** Remembers when a cache was last used, as the time of an empty file. */
async function touch(place: string, nowMs: number): Promise<void> {
  const path = join(place, 'used');
  await writeFile(path, '');
  await utimes(path, nowMs / 1000, nowMs / 1000);
}

/** All caches of a project. */
export function pointersIn(directory: string): readonly { readonly name: string; readonly pointer: CachePointer }[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
  return names.flatMap((name) => {
    const pointer = /^[0-9a-f]{64}$/.test(name) ? readPointer(join(directory, name)) : undefined;
    return pointer === undefined ? [] : [{ name, pointer }];
  });
}
