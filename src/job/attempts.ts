import { type FailureReason, SystemError } from '../model/outcome.ts';
import type { JobRun } from './job-run.ts';

/** Between two tries, doubled each time. */
const firstPauseMs = 5000;
const longestPauseMs = 300_000;

/** `script_failure`: what a server takes for a script of the job, such as a download. */
const worthwhile: ReadonlySet<FailureReason> = new Set(['runner_system_failure', 'script_failure']);

/** From 1 to 10; anything that is no number is 1. */
function attemptsOf(written: string): number {
  return /^\d+$/.test(written) ? Math.min(10, Math.max(1, Number(written))) : 1;
}

/**
 * Tries something as often as a variable of the job says, from 1 to 10 times; once without it. Only failures of the
 * surroundings are worth another try. Source: https://docs.gitlab.com/ci/runners/configure_runners/#job-stages-attempts
 */
export async function withAttempts(run: JobRun, name: string, work: () => Promise<void>): Promise<void> {
  const { variables, log, deps, limits } = run;
  const written = variables.get(name)?.trim() ?? '';
  const attempts = attemptsOf(written);
  for (let attempt = 1; ; attempt += 1) {
    try {
      await work();
      return;
    } catch (error) {
      const isWorth = error instanceof SystemError && worthwhile.has(error.reason);
      if (!isWorth || attempt >= attempts || limits.ending() !== undefined) throw error;
      const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (attempt - 1));
      await log.warning(`${error.message}; trying again in ${pauseMs / 1000} s`);
      await deps.clock.sleep(pauseMs, limits.soft);
      limits.soft.throwIfAborted();
    }
  }
}
