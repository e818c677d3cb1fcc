import type { Clock } from '../../util/clock.ts';
import type { JobUpdated } from '../network/gitlab-client.ts';
import { backoff } from '../network/retry.ts';

/** How often a server is told, and the pauses between, which double. */
export interface AcknowledgePace {
  readonly tries: number;
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

/** Together below the two minutes that a server waits before it gives the job to another runner. */
export const defaultAcknowledgePace: AcknowledgePace = { tries: 8, firstPauseMs: 1000, longestPauseMs: 15_000 };

/**
 * Tells the server that a job begins, or can't, until it has heard it: a script that runs while the server still waits would be
 * run once more by whoever gets the job next.
 * @param update one try. @param given.signal ends the waiting.
 * @returns the last answer; `failed`: the server has not heard it.
 */
export async function acknowledgeJob(
  update: () => Promise<JobUpdated>,
  {
    clock,
    signal,
    pace = defaultAcknowledgePace,
  }: { readonly clock: Clock; readonly signal: AbortSignal; readonly pace?: AcknowledgePace },
): Promise<JobUpdated> {
  const pauses = backoff({ minMs: pace.firstPauseMs, maxMs: pace.longestPauseMs });
  for (let attempt = 1; ; attempt += 1) {
    const answer = await update();
    if (answer.state !== 'failed' || attempt >= pace.tries || signal.aborted) return answer;
    await clock.sleep(pauses.next(), signal);
  }
}
