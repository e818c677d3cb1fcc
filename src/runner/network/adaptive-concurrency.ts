/** How many requests for jobs may be under way at once: as many as there are jobs for, fewer when the server says so. */
export interface AdaptiveConcurrency {
  /** Whole requests, from 1 to the most. */
  readonly limit: number;
  /** `retried`: the server asked to try less; `job`: one came; `empty`: none did. */
  record(outcome: 'retried' | 'job' | 'empty'): void;
}

/** @param most `request_concurrency` as it is now: the file may change. */
export function adaptiveConcurrency(most: () => number): AdaptiveConcurrency {
  const factors = { retried: 0.5, job: 1.1, empty: 0.95 } as const;
  let value = 1;
  return {
    get limit() {
      return Math.floor(value);
    },
    record(outcome) {
      value = Math.max(1, Math.min(most(), value * factors[outcome]));
    },
  };
}
