/** The rhythm in which a log is sent. Times in milliseconds; all of it can be set for tests. */
export interface TraceLimits {
  /** Between two pieces, until the server says otherwise. */
  readonly updateIntervalMs: number;
  /** The longest that the server may ask for. */
  readonly maxUpdateIntervalMs: number;
  /** Without an update of the state for so long one is sent. */
  readonly forceSendMs: number;
  /** Of one piece. */
  readonly patchBytes: number;
  readonly outputLimitBytes: number;
  /** `job_status_final_update_retry_limit`. */
  readonly finalTries: number;
  readonly finalBackoffMinMs: number;
  readonly finalBackoffMaxMs: number;
  /** Answers in a row that the server has another part of the log, without a byte of progress. */
  readonly maxMismatches: number;
}

/** As GitLab Runner has them. */
export const defaultTraceLimits: TraceLimits = {
  updateIntervalMs: 3000,
  maxUpdateIntervalMs: 15 * 60_000,
  forceSendMs: 30_000,
  patchBytes: 1024 * 1024,
  outputLimitBytes: 4096 * 1024,
  finalTries: 10,
  finalBackoffMinMs: 1000,
  finalBackoffMaxMs: 60 * 60_000,
  maxMismatches: 20,
};

/** How often the server may go without hearing from us. `dynamic`: FF_USE_DYNAMIC_TRACE_FORCE_SEND_INTERVAL. */
export type ForceSend = 'fixed' | 'dynamic';

/** @returns milliseconds: four intervals, from half a minute to half an hour, where it is dynamic. */
export function forceSendMsOf(mode: ForceSend, updateIntervalMs: number, fixedMs: number): number {
  return mode === 'fixed' ? fixedMs : Math.min(Math.max(4 * updateIntervalMs, 30_000), 30 * 60_000);
}
