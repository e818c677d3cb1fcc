import { hostname } from 'node:os';
import type { JobSpec } from '../../model/job-spec.ts';
import { processIdentity } from '../../util/process-identity.ts';

/** Everything that we make at an engine carries these labels, so that it can be found after a crash. */
export const labelPrefix = 'dev.pipewright.';

/** What an object of ours at an engine is for. */
export type ObjectType = 'build' | 'service' | 'network' | 'files';

/** Labels of one object: whose it is, and by which process on which machine it was made. */
export function labelsFor(job: JobSpec, type: ObjectType): Record<string, string> {
  const identity = processIdentity();
  return {
    [`${labelPrefix}managed`]: 'true',
    [`${labelPrefix}type`]: type,
    [`${labelPrefix}run`]: job.runId,
    [`${labelPrefix}job`]: job.id,
    [`${labelPrefix}host`]: hostname(),
    [`${labelPrefix}pid`]: String(identity?.pid ?? ''),
    [`${labelPrefix}started`]: identity?.started ?? '',
    [`${labelPrefix}boot`]: identity?.boot ?? '',
  };
}
