import type { Outcome } from '../../model/outcome.ts';
import type { TraceResult } from '../trace/trace-record.ts';

type FailedOutcome = Extract<Outcome, { readonly status: 'failed' }>;

/** Reasons that every server knows. */
const always = new Set(['script_failure', 'runner_system_failure', 'job_execution_timeout']);

/** What servers are told that do not know a reason. */
const older: Readonly<Record<string, string>> = {
  image_pull_failure: 'runner_system_failure',
  runner_configuration_error: 'script_failure',
  runner_external_dependency_failure: 'runner_system_failure',
};

/**
 * How a server is told that a job has ended. Source: "2.8 Failure reasons" of GitLab Runner's behaviour.
 * @param known `features.failure_reasons` of the job.
 */
export function jobResult(outcome: Outcome, known: readonly string[]): TraceResult {
  switch (outcome.status) {
    case 'success':
      return { state: 'success' };
    case 'failed': {
      return { state: 'failed', failureReason: failureReason(outcome.reason, known), exitCode: exitCodeOf(outcome) };
    }
    default:
      return { state: 'failed', failureReason: failureReason('job_canceled', known), exitCode: 0 };
  }
}

function exitCodeOf({ reason, exit }: FailedOutcome): number {
  if (exit?.kind === 'code' || exit?.kind === 'out-of-memory') return asInt32(exit.code ?? 137);
  // What a program beside the job would have found, such as variables that are none: it ends with 1.
  return exit === undefined && reason === 'script_failure' ? 1 : 0;
}

/** The reason in the words of the server. */
export function failureReason(reason: string, known: readonly string[]): string {
  if (always.has(reason) || known.includes(reason)) return reason;
  return older[reason] ?? 'unknown_failure';
}

/** Exit codes of other systems: 4294967295 is -1. */
function asInt32(code: number): number {
  return code | 0;
}
