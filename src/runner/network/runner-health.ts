import type { Clock } from '../../util/clock.ts';

/** Whether a runner may ask for jobs: after so many failures in a row it is left alone for a while. */
export interface RunnerHealth {
  /** False while it is left alone; when that is over, failures are counted from 0. */
  isHealthy(): boolean;
  /** Tells how a request for a job went. One good answer forgets the failures. */
  record(outcome: 'healthy' | 'unhealthy'): void;
  /** Failures in a row. */
  readonly failures: number;
}

/** @param given `limits`: `unhealthy_requests_limit` (3) and `unhealthy_interval` (one hour) of the file as it is now. */
export function runnerHealth(given: {
  readonly clock: Clock;
  readonly limits?: () => { readonly requestsLimit: number; readonly intervalMs: number };
}): RunnerHealth {
  const { clock, limits = () => ({ requestsLimit: 3, intervalMs: 3_600_000 }) } = given;
  let failures = 0;
  let restUntil: number | undefined;
  return {
    get failures() {
      return failures;
    },
    isHealthy() {
      if (restUntil === undefined) return true;
      if (clock.elapsed() < restUntil) return false;
      failures = 0;
      restUntil = undefined;
      return true;
    },
    record(outcome) {
      if (outcome === 'healthy') {
        failures = 0;
        restUntil = undefined;
        return;
      }
      failures++;
      const { requestsLimit, intervalMs } = limits();
      if (failures >= requestsLimit) restUntil ??= clock.elapsed() + intervalMs;
    },
  };
}
