/** What the critical path is computed from. Times are milliseconds since the Unix epoch. */
export interface TimedJob {
  readonly id: string;
  readonly needs: readonly string[];
  readonly startedAt?: number;
  readonly finishedAt?: number;
}

/**
 * The chain of jobs that determined when the run ended, in order of time: from the job that ended last back through
 * the need of each that ended last. Jobs that never started are no part of it.
 */
export function criticalPath(jobs: readonly TimedJob[]): string[] {
  const ran = new Map<string, TimedJob>();
  for (const job of jobs) if (job.startedAt !== undefined && job.finishedAt !== undefined) ran.set(job.id, job);
  const path: string[] = [];
  let current = lastToFinish(ran.values());
  while (current !== undefined) {
    path.unshift(current.id);
    ran.delete(current.id);
    current = lastToFinish(current.needs.flatMap((id) => ran.get(id) ?? []));
  }
  return path;
}

function lastToFinish(jobs: Iterable<TimedJob>): TimedJob | undefined {
  let last: TimedJob | undefined;
  for (const job of jobs) if (last === undefined || job.finishedAt! > last.finishedAt!) last = job;
  return last;
}
