import type { FailureReason, Outcome } from '../model/outcome.ts';
import type { AllowFailure, Retry } from '../model/pipeline.ts';

type Failed = Extract<Outcome, { readonly status: 'failed' }>;

/** The exit code of a failed job, if it ended by one. Death by a signal counts as 128 + its number, as in a shell. */
export function exitCodeOf(outcome: Failed): number | undefined {
  const { exit } = outcome;
  if (exit === undefined) return undefined;
  if (exit.kind === 'code') return exit.code;
  if (exit.kind === 'out-of-memory') return exit.code ?? 137;
  if (exit.kind === 'signal') return signalCodes[exit.signal];
  return undefined;
}

const signalCodes: Readonly<Record<string, number>> = {
  SIGHUP: 129,
  SIGINT: 130,
  SIGQUIT: 131,
  SIGILL: 132,
  SIGABRT: 134,
  SIGFPE: 136,
  SIGKILL: 137,
  SIGSEGV: 139,
  SIGPIPE: 141,
  SIGTERM: 143,
};

/** Does `allow_failure` forgive this failure? */
export function forgives(allowFailure: AllowFailure, outcome: Failed): boolean {
  if (typeof allowFailure === 'boolean') return allowFailure;
  const code = exitCodeOf(outcome);
  return code !== undefined && allowFailure.exitCodes.includes(code);
}

/**
 * Is another try due? `when` and `exit_codes` are alternatives: either is enough.
 * Source: https://docs.gitlab.com/ci/yaml/#retryexit_codes
 * @param attempt the try that just failed, counted from 1.
 */
export function shouldRetry(retry: Retry, outcome: Failed, attempt: number): boolean {
  // What can't be run here can't be run a moment later either.
  if (attempt > retry.max || outcome.reason === 'runner_unsupported') return false;
  if (retry.when === undefined && retry.exitCodes === undefined) return true;
  const code = exitCodeOf(outcome);
  if (code !== undefined && retry.exitCodes?.includes(code)) return true;
  const causes = serverReasons(outcome.reason);
  return retry.when?.some((when) => when === 'always' || causes.includes(when)) ?? false;
}

/** The words under which a failure is known in `retry:when`; a server learns only some of the runner's reasons. */
function serverReasons(reason: FailureReason): readonly string[] {
  switch (reason) {
    case 'job_execution_timeout':
      return [reason, 'stuck_or_timeout_failure'];
    case 'image_pull_failure':
    case 'runner_external_dependency_failure':
      return [reason, 'runner_system_failure'];
    case 'runner_configuration_error':
      return [reason, 'script_failure'];
    default:
      return [reason];
  }
}
