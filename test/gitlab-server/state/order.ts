import { isFinished, type Job, type Pipeline } from './model.ts';

/** Of each name the try that counts. */
export function currentJobs(pipeline: Pipeline): readonly Job[] {
  return pipeline.jobs.filter((job) => job.retriedBy === undefined);
}

/** What a job waits for: its needs, or all of the earlier stages. */
export function jobsBefore(job: Job): readonly Job[] {
  const { needs } = job.description;
  const { stages } = job.pipeline;
  const stage = stages.indexOf(job.stage);
  return currentJobs(job.pipeline).filter((other) =>
    needs === undefined ? stages.indexOf(other.stage) < stage : needs.includes(other.description.name),
  );
}

/** A failure that does not stop the pipeline. */
export function isForgiven(job: Job): boolean {
  const { allowFailure } = job.description;
  if (typeof allowFailure === 'object') return allowFailure.exitCodes.includes(job.exitCode ?? -1);
  return allowFailure === true;
}

/** A job that holds up nothing any more; a manual one that nobody has started does so only if it may not fail. */
export function isPassed(job: Job): boolean {
  return isFinished(job) || (job.status === 'manual' && job.description.allowFailure !== false);
}

/** What becomes of a job when all before it have passed. */
export function turnOf(job: Job, before: readonly Job[]): 'pending' | 'manual' | 'skipped' {
  const when = job.description.when ?? 'on_success';
  const failed = before.some(({ status }) => status === 'failed' || status === 'canceled');
  const stops = before.some((other) => ['failed', 'canceled'].includes(other.status) && !isForgiven(other));
  switch (when) {
    case 'always':
      return 'pending';
    case 'on_failure':
      return failed && stops ? 'pending' : 'skipped';
    case 'manual':
      return stops ? 'skipped' : 'manual';
    case 'on_success':
      return stops || leansOnSkipped(job, before) ? 'skipped' : 'pending';
  }
}

/** A job with needs does not run where one of them was skipped. */
function leansOnSkipped(job: Job, before: readonly Job[]): boolean {
  return job.description.needs !== undefined && before.some(({ status }) => status === 'skipped');
}
