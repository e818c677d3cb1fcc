import { noOutputs, type Outcome, type Outputs } from '../model/outcome.ts';
import type { JobLease, JobSource } from '../model/ports.ts';
import { anySignal } from '../util/any-signal.ts';

/** What one try of a job gave. */
export interface JobRunResult {
  readonly outcome: Outcome;
  readonly outputs: Outputs;
}

/**
 * Takes jobs from a source and runs them, at most `concurrency` at once, until there are none any more or `signal` is
 * aborted (running jobs are then still waited for and settled).
 * @throws what `runJob` throws (a bug): after the other running jobs have ended, no further job is taken.
 */
export async function runWorkers(
  source: JobSource,
  options: {
    readonly concurrency: number;
    readonly runJob: (lease: JobLease) => Promise<JobRunResult>;
    readonly signal?: AbortSignal;
  },
): Promise<void> {
  const crash = new AbortController();
  using stop = anySignal(options.signal === undefined ? [crash.signal] : [options.signal, crash.signal]);
  const work = async (): Promise<void> => {
    for (let lease = await source.next(stop.signal); lease !== undefined; lease = await source.next(stop.signal)) {
      const { outcome, outputs } = await options.runJob(lease).catch((error: unknown): JobRunResult => {
        crash.abort(error);
        const message = error instanceof Error ? error.message : String(error);
        return { outcome: { status: 'failed', reason: 'unknown_failure', message }, outputs: noOutputs };
      });
      await source.settle(lease, outcome, outputs);
    }
  };
  const workers = Array.from({ length: Math.max(1, options.concurrency) }, work);
  const ended = await Promise.allSettled(workers);
  if (crash.signal.aborted) throw crash.signal.reason;
  for (const worker of ended) if (worker.status === 'rejected') throw worker.reason;
}
