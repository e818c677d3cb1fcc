import type { Outcome } from '../../model/outcome.ts';
import type { RunnerLog, RunnerLogFields } from '../../runner/runner-log.ts';
import type { TraceResult } from '../../runner/trace/trace-record.ts';
import type { Reported } from '../../runner/trace/trace-sender.ts';

/** How a job ended, and what its server heard of it. */
export interface EndOfJob {
  /** Which job it was. */
  readonly fields: RunnerLogFields;
  readonly outcome: Outcome;
  readonly result: TraceResult;
  readonly reported: Reported;
  readonly durationMs: number;
}

/**
 * The line of the runner's own log about a job that has ended. What went wrong in words is in the job's log alone, where
 * it is masked. A failure that is not the script's is a warning: it may be the machine's.
 */
export function tellEnd(log: RunnerLog, { fields, outcome, result, reported, durationMs }: EndOfJob): void {
  const isReported = reported.kind === 'reported';
  const isOdd = outcome.status === 'failed' && outcome.reason !== 'script_failure';
  log(!isReported ? 'error' : isOdd ? 'warning' : 'info', 'Job has ended', {
    ...fields,
    state: result.state,
    reason: outcome.status === 'failed' ? outcome.reason : outcome.status === 'canceled' ? 'job_canceled' : undefined,
    exit_code: (result.state === 'failed' && result.exitCode) || undefined,
    duration_s: Math.round(durationMs / 100) / 10,
    reported: isReported ? undefined : reported.kind === 'lost' ? reported.why : reported.kind,
  });
}
