import type { FailedOutcome, JobPlace } from '../../job/job-run.ts';
import type { PlanNode } from '../../model/plan.ts';
import { forgives, shouldRetry } from '../../schedule/failure-policy.ts';

/** Tells which failures somebody wants to look at: not those that are forgiven, or after which another try comes. */
export function worthALook(nodes: ReadonlyMap<string, PlanNode>): (place: JobPlace, failure: FailedOutcome) => boolean {
  return ({ spec }, failure) => {
    const node = nodes.get(spec.id);
    if (node?.kind !== 'job') return false;
    return !forgives(node.allowFailure, failure) && !shouldRetry(node.definition.retry, failure, spec.attempt);
  };
}
