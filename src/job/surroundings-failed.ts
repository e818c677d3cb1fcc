import { type Outcome, SystemError } from '../model/outcome.ts';
import { endedOutcome, type JobLimits } from './job-limits.ts';

/**
 * What an error means for the job: a failure of the surroundings, or the job having to
 * end, after which anything may fail.
 * @throws the error itself when it is neither, which makes it a bug.
 */
export function surroundingsFailed(limits: JobLimits, error: unknown): Outcome {
  const ending = limits.ending();
  if (ending !== undefined && (error instanceof SystemError || isAbort(limits, error))) return endedOutcome(ending);
  if (!(error instanceof SystemError)) throw error;
  const { reason, message, hint, exit } = error;
  const more = { ...(exit === undefined ? {} : { exit }), ...(hint === undefined ? {} : { hint }) };
  return { status: 'failed', reason, message, ...more };
}

function isAbort(limits: JobLimits, error: unknown): boolean {
  if (error === limits.soft.reason || error === limits.hard.reason) return true;
  return error instanceof Error && error.name === 'AbortError';
}
