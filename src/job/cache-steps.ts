import type { TakenFiles } from '../model/files.ts';
import { SystemError } from '../model/outcome.ts';
import type { CachePort, Fill } from '../model/ports.ts';
import type { RestoreCacheStep, SaveCacheStep } from '../model/step.ts';
import { plainKey } from '../util/plain-key.ts';
import { resolveCacheKey } from './cache-key.ts';
import { putPlaces, takePlaces } from './cache-places.ts';
import type { JobRun } from './job-run.ts';

/**
 * Lays the first cache that is there into the job's directory. Only the surroundings' failures are forgiven: a job
 * must do without its cache.
 */
export async function restoreCache(run: JobRun, step: RestoreCacheStep, caches: CachePort): Promise<void> {
  const { log, session, limits } = run;
  const keys = await restoreKeys(run, step);
  const policy = policyOf(run, step.policy);
  if (!['', 'pull-push', 'pull', 'push'].includes(policy)) {
    // It may be a variable, which nobody could check before.
    throw new SystemError('runner_system_failure', `unknown cache policy ${policy} for ${keys[0] ?? ''}`, {
      hint: 'pull-push, pull or push',
    });
  }
  if (policy === 'push') {
    await log.line(`Not downloading cache ${keys[0] ?? ''} due to policy`);
    return;
  }
  for (const key of keys) {
    await log.info(`Checking cache for ${key}...`);
    try {
      const hit = await caches.restore(key, step.match, limits.soft);
      if (hit === undefined) continue;
      if (hit.key !== key) await log.line(`Found cache ${hit.key}`);
      if (run.spec.directory === undefined) await session.files.put(hit.tree, '.', limits.soft);
      else await putPlaces(run, hit.tree);
      run.restoredCaches.set(hit.key, hit.tree);
      await log.info('Successfully extracted cache');
      return;
    } catch (error) {
      await forgive(run, error, 'Failed to extract cache');
    }
  }
  if (keys.length > 0) await log.line('No cache found');
}

async function restoreKeys(run: JobRun, step: RestoreCacheStep): Promise<readonly string[]> {
  const keys = new Set<string>();
  for (const each of step.keys) {
    const key = await resolveCacheKey(run, each);
    if (key !== undefined) keys.add(key);
  }
  const fallback = run.variables.get('CACHE_FALLBACK_KEY')?.trim();
  // A branch must not read what only protected branches may write. Source: GitLab Runner, `shells/abstract.go`
  const isProtected = fallback !== undefined && plainKey(fallback).endsWith('-protected');
  if (step.match === 'exact' && fallback) {
    if (isProtected) await run.log.warning(`CACHE_FALLBACK_KEY "${fallback}" not allowed to end in "-protected"`);
    else keys.add(fallback);
  }
  return [...keys];
}

/** Stores what the job left at the cache's paths; a failure is a warning. */
export async function saveCache(run: JobRun, step: SaveCacheStep, caches: CachePort): Promise<void> {
  const { log, session, limits, variables } = run;
  const key = await resolveCacheKey(run, step.key);
  if (key === undefined) return;
  const policy = policyOf(run, step.policy);
  if (policy !== '' && policy !== 'pull-push' && policy !== 'push') {
    await log.line(`Not uploading cache ${key} due to policy`);
    return;
  }
  await log.info(`Creating cache ${key}...`);
  const selection = {
    paths: step.paths.map(variables.expand),
    exclude: [],
    untracked: step.untracked,
  };
  const warn = async ({
    unmatched,
    outside,
    unreadable = [],
  }: Pick<TakenFiles, 'unmatched' | 'outside' | 'unreadable'>): Promise<void> => {
    for (const path of unreadable) await log.warning(`${path}: cannot be read, left out`);
    for (const path of unmatched) await log.warning(`${path}: no matching files`);
    for (const path of outside) await log.warning(`${path}: leads outside of the project directory, left out`);
  };
  const { taking } = limits;
  const staysInside = run.spec.directory === undefined;
  try {
    const restored = staysInside ? run.restoredCaches.get(key) : undefined;
    const same = restored && (await session.files.sameAs?.(restored, selection, taking));
    if (same) {
      await warn(same);
      await log.info('Cache is up to date');
      return;
    }
    const fill: Fill = async (directory) => {
      const taken = staysInside
        ? await session.files.get(selection, directory, taking)
        : await takePlaces(run, selection.paths, directory);
      await warn(taken);
      return taken;
    };
    const remembered = staysInside ? { selection } : {};
    const result = await caches.save(key, { overwrite: step.overwrite, ...remembered }, fill, taking);
    await log.info(savedLine[result]);
  } catch (error) {
    await forgive(run, error, 'Failed to create cache');
  }
}

const savedLine = {
  saved: 'Created cache',
  exists: 'A cache of this key exists already, left as it is',
  empty: 'Nothing to cache',
} as const;

function policyOf(run: JobRun, policy: string | undefined): string {
  return policy === undefined ? 'pull-push' : run.variables.expand(policy);
}

async function forgive(run: JobRun, error: unknown, what: string): Promise<void> {
  if (run.limits.ending() !== undefined || !(error instanceof SystemError)) throw error;
  await run.log.warning(`${what}: ${error.message}`);
}
