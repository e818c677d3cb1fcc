import { createHash } from 'node:crypto';
import { SystemError } from '../../model/outcome.ts';
import { plainKey } from '../../util/plain-key.ts';
import type { RunnerCache } from '../config/runner-config.ts';

/** Whose caches they are. */
export interface CacheOwner {
  readonly cache: Pick<RunnerCache, 'path' | 'shared'>;
  readonly shortToken: string;
  readonly projectId: number;
  /** `hashed`: FF_HASH_CACHE_KEYS. */
  readonly keys: 'plain' | 'hashed';
}

/**
 * Where the cache of a key is in a bucket, the same place as GitLab Runner's. No key leads to another project's.
 * @throws SystemError for a key that names nothing.
 */
export function objectName({ cache, shortToken, projectId, keys }: CacheOwner, key: string): string {
  const name = keys === 'hashed' ? createHash('sha256').update(key).digest('hex') : plainKey(key);
  if (name === '') {
    const what = `the cache key ${JSON.stringify(key)} can't be the name of an object`;
    throw new SystemError('runner_system_failure', what, { hint: 'choose another `cache:key`' });
  }
  const owner = cache.shared ? [] : ['runner', shortToken];
  return [...cache.path.split('/'), ...owner, 'project', String(projectId), name]
    .filter((part) => part !== '' && part !== '.' && part !== '..')
    .join('/');
}
