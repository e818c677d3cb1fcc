import { join } from 'node:path';
import type { CachePort } from '../../model/ports.ts';
import { objectName } from '../../runner/cache/object-name.ts';
import type { RunnerEntry } from '../../runner/config/runner-config.ts';
import { isFlagOn } from '../../runner/job/feature-flag.ts';
import type { JobPayload } from '../../runner/network/payload.ts';
import { type RunnerLog, shortToken } from '../../runner/runner-log.ts';
import { cacheStore } from '../../stores/cache-store.ts';
import type { Clock } from '../../util/clock.ts';

const defaultMinutes = 10;

/** What the caches of a job need. */
export interface JobCachesGiven {
  readonly runner: RunnerEntry;
  readonly job: Pick<JobPayload, 'jobInfo' | 'variables'>;
  /** Where those of all projects are on this machine, unless the runner's file says so; absolute. */
  readonly caches: string;
  /** A path below, of the project. */
  readonly project: readonly string[];
  /** Absolute and of this job alone. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: RunnerLog;
}

/** The caches of one job: on this machine, or in a bucket with copies on this machine. Dispose at the job's end. */
export async function jobCaches(given: JobCachesGiven): Promise<CachePort & AsyncDisposable> {
  const { runner, job, clock, env, log } = given;
  const { type, s3 } = runner.cache;
  // With other executors `cache_dir` is a place where the job is.
  const own = runner.executor === 'shell' ? runner.cacheDir : undefined;
  const place = join(own ?? given.caches, shortToken(runner.token), ...given.project);
  if (type !== 's3' || s3 === undefined) return cacheStore({ directory: place, now: clock.now });
  const [{ s3Bucket }, { s3Cache }, { TlsMaterial }] = await Promise.all([
    import('../../runner/cache/s3-bucket.ts'),
    import('../../runner/cache/s3-cache.ts'),
    import('../../runner/network/tls-files.ts'),
  ]);
  const local = cacheStore({ directory: join(place, 's3'), now: clock.now });
  const tls = new TlsMaterial({ ca: runner.tls.caFile, cert: undefined, key: undefined }, log);
  const bucket = s3Bucket({ s3, clock, env, tls, timeoutMs: requestMinutes(job) * 60_000 });
  const owner = {
    cache: runner.cache,
    shortToken: shortToken(runner.token),
    projectId: job.jobInfo.projectId,
    keys: isFlagOn('FF_HASH_CACHE_KEYS', { runner, job, otherwise: false }) ? 'hashed' : 'plain',
  } as const;
  const caches = s3Cache({
    bucket,
    local,
    tags: join(place, 's3-tags'),
    directory: given.directory,
    maxUploadedArchiveSize: runner.cache.maxUploadedArchiveSize,
    nameOf: (key) => objectName(owner, key),
  });
  return {
    ...caches,
    [Symbol.asyncDispose]: async () => {
      bucket[Symbol.dispose]();
      await local[Symbol.asyncDispose]();
    },
  };
}

function requestMinutes(job: JobCachesGiven['job']): number {
  const minutes = Number(variable(job, 'CACHE_REQUEST_TIMEOUT'));
  return Number.isSafeInteger(minutes) && minutes > 0 ? minutes : defaultMinutes;
}

function variable({ variables }: JobCachesGiven['job'], name: string): string | undefined {
  return variables.findLast(({ key }) => key === name)?.value;
}
