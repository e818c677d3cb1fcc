import type { RunnerLog } from '../../runner/runner-log.ts';
import type { Clock } from '../../util/clock.ts';
import type { RunnerPlaces } from './runner-places.ts';

/** How often it is looked for processes that have died. */
export interface DeadPace {
  readonly lookEveryMs: number;
}

/** As users have it. */
export const defaultDeadPace: DeadPace = { lookEveryMs: 30_000 };

/** What looking after dead processes needs. */
export interface DeadGiven {
  readonly places: Pick<RunnerPlaces, 'sweepDead'>;
  /** Reports the jobs of processes that have died; resolves when their servers know. */
  readonly report: () => Promise<unknown>;
  readonly pace: DeadPace;
  readonly clock: Clock;
  readonly log: RunnerLog;
  /** Ends the looking. */
  readonly signal: AbortSignal;
}

/**
 * At once and then from time to time: reports the jobs of other processes of this home that have died, and removes what
 * they left. Several processes may do it at the same time.
 * @returns resolves when it was ended and all reports are over; removing is left to the next start.
 */
export async function lookAfterTheDead(given: DeadGiven): Promise<void> {
  const { places, report, pace, clock, log, signal } = given;
  const reports = new Set<Promise<void>>();
  const failed = (error: unknown): undefined => {
    log('error', `What a process that has died left could not be looked after: ${(error as Error).message}`);
    return undefined;
  };
  let isSweeping = false;
  const sweep = async (): Promise<void> => {
    if (isSweeping) return;
    isSweeping = true;
    const count = await places.sweepDead().catch(failed);
    isSweeping = false;
    if (count !== undefined && count > 0) log('warning', 'Removed what processes that have died left', { count });
  };
  while (!signal.aborted) {
    const reporting: Promise<void> = report()
      .then(() => {}, failed)
      .finally(() => reports.delete(reporting));
    reports.add(reporting);
    void sweep();
    await clock.sleep(pace.lookEveryMs, signal);
  }
  await Promise.all(reports);
}
