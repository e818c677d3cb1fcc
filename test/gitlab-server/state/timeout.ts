import type { Job } from './model.ts';

const defaultTimeoutS = 3600;

/** Seconds: the job's own, limited by its runner's. */
export function timeoutOf(job: Job): number {
  return Math.min(job.description.timeout ?? defaultTimeoutS, job.runner?.maximumTimeout ?? Number.POSITIVE_INFINITY);
}
