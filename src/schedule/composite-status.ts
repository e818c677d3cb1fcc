import type { PlanNode } from '../model/plan.ts';
import { assertNever } from '../util/assert-never.ts';

/**
 * How a node stands, as far as nodes after it care. `blocked`: it is a manual job that nobody started and that may not
 * be skipped, or it waits for one. `ignored`: an optional manual job that nobody started.
 */
export type SettledStatus = 'success' | 'warning' | 'failed' | 'canceled' | 'skipped' | 'ignored' | 'blocked';

/** How many nodes of a group ended in which way. */
export type StatusCounts = Record<SettledStatus, number>;

/** An empty group. */
export const noStatuses = (): StatusCounts => ({
  success: 0,
  warning: 0,
  failed: 0,
  canceled: 0,
  skipped: 0,
  ignored: 0,
  blocked: 0,
});

/** The status of a group of ended nodes as one. */
export type CompositeStatus = 'success' | 'failed' | 'canceled' | 'skipped' | 'blocked';

/**
 * GitLab's composite status, for groups in which everything has ended. An empty group counts as success.
 * Source: lib/gitlab/ci/status/composite.rb and https://docs.gitlab.com/ci/jobs/job_control/
 * @param scheduling with `dag` a single skipped or ignored need makes the whole group skipped.
 */
export function compositeStatus(counts: StatusCounts, scheduling: PlanNode['scheduling']): CompositeStatus {
  const notRun = counts.skipped + counts.ignored;
  if (scheduling === 'dag' && notRun > 0) return 'skipped';
  if (counts.blocked > 0) return 'blocked';
  if (counts.failed > 0) return 'failed';
  if (counts.canceled > 0) return 'canceled';
  if (counts.success + counts.warning === 0 && notRun > 0) return 'skipped';
  return 'success';
}

/**
 * Does a node with this `when` run after such a group? Source: app/services/ci/process_build_service.rb
 */
export function mayRun(when: PlanNode['when'], scheduling: PlanNode['scheduling'], status: CompositeStatus): boolean {
  switch (when) {
    case 'on_success':
    case 'manual':
    case 'delayed':
      return status === 'success' || (status === 'skipped' && scheduling === 'stage');
    case 'on_failure':
      return status === 'failed';
    case 'always':
      return status === 'success' || status === 'failed' || status === 'skipped';
    default:
      return assertNever(when);
  }
}
