import type { Clock } from '../../util/clock.ts';
import type { RunnerInfo } from '../network/features.ts';
import type { GitlabClient, JobUpdate, JobUpdated } from '../network/gitlab-client.ts';
import type { JobCredentials } from '../network/payload.ts';
import { backoff } from '../network/retry.ts';
import type { TraceResult } from '../trace/trace-record.ts';

/** How often a server is told, and the pauses between, which double. */
export interface AcknowledgePace {
  readonly tries: number;
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

/** Together below the two minutes that a server waits before it gives the job to another runner. */
export const defaultAcknowledgePace: AcknowledgePace = { tries: 8, firstPauseMs: 1000, longestPauseMs: 15_000 };

/** The job, and how its server is told of it. */
export interface Acknowledging {
  readonly client: Pick<GitlabClient, 'updateJob'>;
  readonly job: JobCredentials;
  readonly info: RunnerInfo;
  readonly clock: Clock;
  /** Ends the waiting between two tries: no other follows. */
  readonly signal: AbortSignal;
  readonly pace?: AcknowledgePace;
}

/**
 * Tells the server that a job begins, until it has heard it: a script that runs while the server still waits would be run once
 * more by whoever gets the job next.
 * @returns the last answer; `failed`: the server has not heard it.
 */
export function beginJob(given: Acknowledging): Promise<JobUpdated> {
  return acknowledge(given, { state: 'running' });
}

/**
 * Gives up a job that can't be run, as a failure of this machine. A job that waits for its runner can't fail: it begins first.
 * @returns what the server was told, or would have been, had it listened.
 */
export async function refuseJob(given: Acknowledging): Promise<TraceResult> {
  const failed = { state: 'failed', failureReason: 'runner_system_failure', exitCode: 0 } as const;
  const begun = await beginJob(given);
  if (begun.state !== 'abort') await acknowledge(given, failed);
  return failed;
}

async function acknowledge(
  { client, job, info, clock, signal, pace = defaultAcknowledgePace }: Acknowledging,
  update: Omit<JobUpdate, 'info'>,
): Promise<JobUpdated> {
  const pauses = backoff({ minMs: pace.firstPauseMs, maxMs: pace.longestPauseMs });
  for (let attempt = 1; ; attempt += 1) {
    const answer = await client.updateJob(job, { ...update, info });
    if (answer.state !== 'failed' || attempt >= pace.tries || signal.aborted) return answer;
    await clock.sleep(pauses.next(), signal);
  }
}
