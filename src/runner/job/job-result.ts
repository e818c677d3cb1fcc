import type { Outcome } from '../../model/outcome.ts';
import type { TraceResult } from '../trace/trace-record.ts';

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
      const { reason, exit } = outcome;
      const exitCode = exit?.kind === 'code' || exit?.kind === 'out-of-memory' ? (exit.code ?? 137) : 0;
      return { state: 'failed', failureReason: failureReason(reason, known), exitCode: asInt32(exitCode) };
    }
    default:
      return { state: 'failed', failureReason: failureReason('job_canceled', known), exitCode: 0 };
  }
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
