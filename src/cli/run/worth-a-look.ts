import type { FailedOutcome, JobPlace } from '../../job/job-run.ts';
import type { Plan } from '../../model/plan.ts';
import { forgives, shouldRetry } from '../../schedule/failure-policy.ts';

/** Tells which failures somebody wants to look at: not those that are forgiven, or after which another try comes. */
export function worthALook({ nodes }: Plan): (place: JobPlace, failure: FailedOutcome) => boolean {
  const jobs = new Map(nodes.flatMap((node) => (node.kind === 'job' ? [[node.id, node] as const] : [])));
  return ({ spec }, failure) => {
    const node = jobs.get(spec.id);
    if (node === undefined) return false;
    return !forgives(node.allowFailure, failure) && !shouldRetry(node.definition.retry, failure, spec.attempt);
  };
}
