import type { Context } from '../../model/context.ts';
import { judgeFilters, type Verdict } from './filters.ts';
import type { Workflow } from './process.ts';
import type { Reading } from './reading.ts';
import type { Requirement } from './requirements.ts';
import type { Scope } from './scope.ts';
import type { WorkflowJob } from './workflows.ts';

/** A job with what became of it in this pipeline. */
export interface DecidedJob {
  readonly job: WorkflowJob;
  readonly verdict: Verdict;
  /** Those that are in the pipeline. */
  readonly requires: readonly Requirement[];
}

/** Why a workflow is not run; undefined: it is. */
export function workflowLeftOut(
  workflow: Workflow,
  { source }: Pick<Context, 'source'>,
  named: readonly string[],
  hasScheduled: boolean,
): string | undefined {
  if (named.length > 0)
    return named.includes(workflow.name) ? undefined : 'another workflow is named on the command line';
  if (workflow.leftOutBecause !== undefined) return workflow.leftOutBecause;
  if (workflow.isScheduled && source !== 'schedule') return 'it runs by schedule: use `--event schedule`';
  // A schedule in the file starts the workflow that it stands in, and no other.
  if (!workflow.isScheduled && source === 'schedule' && hasScheduled) return 'a schedule starts other workflows';
  return undefined;
}

/**
 * Decides for every job of a workflow whether it is in: by its filters, and out as well when all jobs that it requires
 * are out. Requirements that are out don't count.
 * Source: https://circleci.com/docs/reference/configuration-reference/#requires
 */
export function decideJobs(
  workflow: Workflow,
  git: Context['git'],
  scope: Scope,
  reading: Reading,
): readonly DecidedJob[] {
  const verdicts = new Map<string, Verdict>();
  for (const job of workflow.jobs) verdicts.set(job.name, judgeFilters(job.filters, git, scope, reading));
  const isOut = (name: string): boolean => verdicts.get(name)?.kind === 'out';
  const dependents = dependentsOf(workflow.jobs);
  const stillIn = new Map(workflow.jobs.map((job) => [job, job.requires.length]));
  const left = [...verdicts.keys()].filter(isOut);
  // Grows while it is gone through.
  for (const name of left) {
    for (const job of dependents.get(name) ?? []) {
      const count = stillIn.get(job)! - 1;
      stillIn.set(job, count);
      if (count > 0 || isOut(job.name)) continue;
      verdicts.set(job.name, { kind: 'out', because: 'all jobs that it requires are left out' });
      left.push(job.name);
    }
  }
  return workflow.jobs.map((job) => ({
    job,
    verdict: verdicts.get(job.name)!,
    requires: job.requires.filter((required) => !isOut(required.name)),
  }));
}

/** The jobs that require a job, by its name; one that does so twice is there twice. */
function dependentsOf(jobs: readonly WorkflowJob[]): ReadonlyMap<string, readonly WorkflowJob[]> {
  const dependents = new Map<string, WorkflowJob[]>();
  for (const job of jobs) {
    for (const { name } of job.requires) {
      const known = dependents.get(name);
      if (known === undefined) dependents.set(name, [job]);
      else known.push(job);
    }
  }
  return dependents;
}
