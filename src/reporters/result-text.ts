import type { FailureReason, FinalStatus, Findings } from '../model/outcome.ts';
import { testCountsText } from '../model/test-results.ts';
import { assertNever } from '../util/assert-never.ts';
import { shortened } from '../util/shortened.ts';
import type { PaintKind } from './color.ts';

/** The parts of a job's result that are put into words. */
export interface ResultFacts {
  readonly status: FinalStatus | 'waiting' | 'running';
  readonly exitCode?: number;
  readonly failureReason?: FailureReason;
  readonly message?: string;
  readonly because?: string;
  readonly allowFailure: boolean;
  readonly attempts: number;
  readonly haltedBy?: string;
}

const reasons: Readonly<Partial<Record<FailureReason, string>>> = {
  script_failure: 'script failed',
  job_execution_timeout: 'timed out',
  runner_system_failure: 'system failure',
  runner_interrupted: 'interrupted',
  runner_unsupported: 'not supported',
  image_pull_failure: "image can't be had",
  missing_dependency_failure: 'artifacts of a needed job are missing',
  downstream_pipeline_failure: 'the pipeline it started failed',
  downstream_pipeline_creation_failed: 'its pipeline could not be made',
  downstream_bridge_project_not_found: 'its project was not found',
  invalid_bridge_trigger: 'it starts its own project',
  reached_max_descendant_pipelines_depth: 'pipelines are nested too deep',
  reached_max_pipeline_hierarchy_size: 'too many pipelines',
  pipeline_loop_detected: 'pipelines start each other in a circle',
  stuck_or_timeout_failure: 'it could never start',
  job_canceled: 'canceled',
  secrets_provider_not_found: 'a secret is missing',
};

/** Why a job failed, in a few words: `exit code 1`, `timed out`, `system failure: no space left on device`. */
export function failureText(result: ResultFacts): string {
  const { exitCode, failureReason, message } = result;
  const scripted = failureReason === undefined || failureReason === 'script_failure';
  // What is said of an image begins with the image, and what of a setting is a sentence.
  const isWhole = failureReason === 'image_pull_failure' || failureReason === 'runner_configuration_error';
  if (message !== undefined && (scripted || isWhole)) return message;
  if (scripted && exitCode !== undefined) return `exit code ${exitCode}`;
  const reason =
    failureReason === undefined ? 'failed' : (reasons[failureReason] ?? failureReason.replaceAll('_', ' '));
  return message === undefined ? reason : `${reason}: ${message}`;
}

/** What the summary notes about a job: why it failed, ended early, was skipped or waits; number of tries. Empty: nothing to say. */
export function noteText(result: ResultFacts): string {
  const notes: string[] = [];
  switch (result.status) {
    case 'success':
      if (result.haltedBy !== undefined) notes.push(`halted by "${shortened(result.haltedBy)}"`);
      break;
    case 'failed':
      notes.push(result.allowFailure ? `${failureText(result)} (allowed to fail)` : failureText(result));
      break;
    case 'canceled':
      notes.push(result.because === undefined ? 'canceled' : `canceled: ${result.because}`);
      break;
    case 'skipped':
      notes.push(result.because === undefined ? 'skipped' : `skipped: ${result.because}`);
      break;
    case 'manual':
      notes.push(result.because === undefined ? 'waits to be started by hand' : `manual: ${result.because}`);
      break;
    case 'waiting':
      notes.push('not started');
      break;
    case 'running':
      notes.push('still running');
      break;
    default:
      assertNever(result.status);
  }
  if (result.attempts > 1) notes.push(`${result.attempts} attempts`);
  return notes.join(', ');
}

/** `noteText` with tests and coverage, where the job has them. */
export function jobNote(result: ResultFacts & Pick<Findings, 'coverage' | 'tests'>): string {
  const coverage = result.coverage === undefined ? '' : `coverage ${result.coverage} %`;
  const tests = result.tests === undefined ? '' : testCountsText(result.tests);
  return [noteText(result), tests, coverage].filter((note) => note !== '').join(', ');
}

/** The sign of a status in one column, and how it is painted. */
export function statusSign(result: Pick<ResultFacts, 'status' | 'allowFailure'>): {
  readonly sign: string;
  readonly kind: PaintKind;
} {
  switch (result.status) {
    case 'success':
      return { sign: '✓', kind: 'success' };
    case 'failed':
      return result.allowFailure ? { sign: '!', kind: 'warning' } : { sign: '✗', kind: 'error' };
    case 'canceled':
      return { sign: '■', kind: 'warning' };
    case 'skipped':
      return { sign: '-', kind: 'muted' };
    case 'manual':
      return { sign: '▷', kind: 'hint' };
    case 'waiting':
      return { sign: '·', kind: 'muted' };
    case 'running':
      return { sign: '…', kind: 'running' };
    default:
      return assertNever(result.status);
  }
}
