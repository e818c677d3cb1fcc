import { readdirSync, statSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { withFileErrors } from '../model/file-errors.ts';
import { errorCode } from '../util/files/file-problem.ts';
import { removeTree } from '../util/files/remove-tree.ts';
import { isOwnerAlive, isUsed, ownName } from '../util/files/shared-store.ts';
import { versionPrefix } from './cache-entry.ts';
import { pointersIn } from './cache-store.ts';

/** One cache, for `ci cache ls`. */
export interface CacheListing {
  readonly projectKey: string;
  readonly key: string;
  readonly files: number;
  readonly totalBytes: number;
  readonly savedAtMs: number;
  /** Last restored or saved. */
  readonly usedAtMs: number;
  /** Absolute; the files lie in it. */
  readonly directory: string;
}

/** What all caches together may take when nothing else is said: 5 GiB. */
export const defaultCacheCapBytes = 5 * 2 ** 30;

/**
 * All caches, most recently used first.
 * @param cacheDirectory `$XDG_CACHE_HOME/ci`.
 * @param projectKey only this project's.
 */
export function listCaches(cacheDirectory: string, projectKey?: string): readonly CacheListing[] {
  const top = join(cacheDirectory, 'caches');
  const projects = projectKey === undefined ? namesIn(top) : [projectKey];
  return projects
    .flatMap((project) =>
      pointersIn(join(top, project)).map(({ name, pointer }) => {
        const directory = join(top, project, name);
        const usedAtMs = statSync(join(directory, 'used'), { throwIfNoEntry: false })?.mtimeMs ?? pointer.savedAtMs;
        const { key, files, totalBytes, savedAtMs } = pointer;
        return { projectKey: project, key, files, totalBytes, savedAtMs, usedAtMs, directory };
      }),
    )
    .sort((a, b) => b.usedAtMs - a.usedAtMs);
}

/** How much the listed caches take, for `ci cache du`. */
export function sizeOfCaches(caches: readonly CacheListing[]): {
  readonly caches: number;
  readonly totalBytes: number;
} {
  return { caches: caches.length, totalBytes: caches.reduce((sum, cache) => sum + cache.totalBytes, 0) };
}

/**
 * Removes the least recently used caches until the rest fits under the cap; those that a living process uses stay.
 * With `mode: 'list'` nothing is removed.
 * @returns what was, or would be, removed.
 */
export function pruneCaches(
  cacheDirectory: string,
  rule: {
    readonly capBytes: number;
    readonly projectKey?: string;
    readonly mode: 'remove' | 'list';
    /** Aborted: the rest stays. */
    readonly signal?: AbortSignal;
  },
): Promise<readonly CacheListing[]> {
  return withFileErrors({ doing: 'remove old caches', path: cacheDirectory }, async () => {
    if (rule.mode === 'remove') await finishRemovals(join(cacheDirectory, 'caches'));
    const caches = listCaches(cacheDirectory, rule.projectKey);
    let { totalBytes } = sizeOfCaches(caches);
    const removed: CacheListing[] = [];
    for (const cache of caches.toReversed()) {
      if (totalBytes <= rule.capBytes || rule.signal?.aborted) break;
      if (await isCacheUsed(cache.directory)) continue;
      if (rule.mode === 'remove' && !(await removeCache(cache.directory))) continue;
      totalBytes -= cache.totalBytes;
      removed.push(cache);
    }
    return removed;
  });
}

async function isCacheUsed(directory: string): Promise<boolean> {
  for (const name of namesIn(directory)) {
    if (name.startsWith(versionPrefix) && (await isUsed(join(directory, name)))) return true;
  }
  return false;
}

/** Goes on where a process was killed while it removed a cache. */
async function finishRemovals(top: string): Promise<void> {
  for (const project of namesIn(top)) {
    for (const name of namesIn(join(top, project))) {
      const owner = /^[0-9a-f]{64}\.removing-(.+)$/.exec(name)?.[1];
      if (owner !== undefined && !isOwnerAlive(owner)) await removeTree(join(top, project, name));
    }
  }
}

/** Moved away first, so that nobody finds half of it; put back if somebody took it meanwhile. */
async function removeCache(directory: string): Promise<boolean> {
  const away = `${directory}.removing-${ownName()}`;
  try {
    await rename(directory, away);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
  if (await isCacheUsed(away)) {
    const back = await rename(away, directory).then(
      () => true,
      () => false,
    );
    if (back) return false;
  }
  await removeTree(away);
  return true;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}
