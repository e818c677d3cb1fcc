import type { FinalStatus, JobResult, Outcome, Outputs } from '../model/outcome.ts';
import type { PlanNode } from '../model/plan.ts';
import type { SettledStatus } from './composite-status.ts';
import { exitCodeOf, forgives } from './failure-policy.ts';
import type { NodeRun } from './node-run.ts';

/** How a whole run ended. */
export interface PipelineResult {
  /** `manual`: everything that ran passed, and a manual job that may not be skipped waits. */
  readonly status: FinalStatus;
  readonly durationMs: number;
  /** Of all its pipelines. */
  readonly jobs: Readonly<Record<string, JobResult>>;
  /** Failures that count for the run, those of the pipelines included that its bridges waited for. */
  readonly failures: readonly JobResult[];
}

/**
 * GitLab's status of a pipeline in which nothing runs any more, but that a failure is told even when a manual job
 * waits (GitLab shows `manual` then).
 */
export function pipelineStatus(results: readonly JobResult[]): FinalStatus {
  const strict = results.filter(({ allowFailure }) => !allowFailure);
  if (strict.some(({ status }) => status === 'failed')) return 'failed';
  if (strict.some(({ status }) => status === 'canceled')) return 'canceled';
  if (strict.some(({ status }) => status === 'manual')) return 'manual';
  const ran = results.some(({ status }) => status !== 'skipped' && status !== 'manual');
  return ran || results.length === 0 ? 'success' : 'skipped';
}

/** The failures of a pipeline's nodes that count; for a bridge that waited for a pipeline, those of that. */
export function pipelineFailures(runs: Iterable<NodeRun>): readonly JobResult[] {
  return [...runs].flatMap(({ result, failuresBelow = [] }) => {
    if (result?.status !== 'failed' || result.allowFailure) return [];
    return failuresBelow.length > 0 ? failuresBelow : [result];
  });
}

/** How a job that ended looks to the jobs after it. */
export function settledStatus(result: JobResult): SettledStatus {
  switch (result.status) {
    case 'failed':
      return result.allowFailure ? 'warning' : 'failed';
    case 'canceled':
      return result.allowFailure ? 'warning' : 'canceled';
    case 'manual':
      return result.allowFailure ? 'ignored' : 'blocked';
    default:
      return result.status;
  }
}

/** A result for a node that did not run, or did not run to its end. */
export function unrunResult(
  node: PlanNode,
  status: 'skipped' | 'manual' | 'canceled' | 'success',
  ran: { readonly durationMs: number; readonly attempts: number } = { durationMs: 0, attempts: 0 },
): JobResult {
  return { status, allowFailure: node.allowFailure === true, ...ran, artifacts: [] };
}

/** The result of a node after its last try. */
export function ranResult(
  node: PlanNode,
  outcome: Outcome,
  outputs: Outputs,
  ran: { readonly durationMs: number; readonly attempts: number },
): JobResult {
  const { dotenv: _forLaterJobs, ...findings } = outputs;
  const base: JobResult = { status: outcome.status, allowFailure: node.allowFailure === true, ...ran, ...findings };
  if (outcome.status !== 'failed') return base;
  const exitCode = exitCodeOf(outcome);
  return {
    ...base,
    allowFailure: forgives(node.allowFailure, outcome),
    failureReason: outcome.reason,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(outcome.message === undefined ? {} : { message: outcome.message }),
  };
}

/** What is told of how a node ended. */
export interface Why {
  readonly because?: string;
  /** The manual job that it waits for. */
  readonly blockedBy?: string;
}

/** Why a node ended as skipped or manual. */
export function whyOf(outcome: Outcome, { allowFailure }: JobResult): Why {
  if (outcome.status === 'skipped') return { because: outcome.because };
  if (outcome.status !== 'manual' || outcome.blockedBy === undefined) return {};
  const { blockedBy } = outcome;
  return { because: `its pipeline waits for ${blockedBy}`, ...(allowFailure ? {} : { blockedBy }) };
}
