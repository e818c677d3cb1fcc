/** How long things may take, and how often they are tried; all of it can be set for tests. Times in milliseconds. */
export interface NetworkLimits {
  /** To connect. */
  readonly dialMs: number;
  /** For TLS after that. */
  readonly handshakeMs: number;
  /** A connection that nobody has used for so long is closed. */
  readonly idleMs: number;
  /** Unused connections are dropped so often (`connection_max_age`): names may point elsewhere by then. */
  readonly connectionMaxAgeMs: number;
  /** From the request to the head of the response. */
  readonly headersMs: number;
  /** For the whole of a request, its body too. */
  readonly totalMs: number;
  /** Tries of a request, the first one included. */
  readonly maxAttempts: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  readonly maxRedirects: number;
  /** Longest JSON that is read. */
  readonly maxJsonBytes: number;
}

/** As GitLab Runner has them. */
export const defaultLimits: NetworkLimits = {
  dialMs: 30_000,
  handshakeMs: 10_000,
  idleMs: 90_000,
  connectionMaxAgeMs: 15 * 60_000,
  headersMs: 10 * 60_000,
  totalMs: 60 * 60_000,
  maxAttempts: 5,
  backoffMinMs: 100,
  backoffMaxMs: 60_000,
  maxRedirects: 10,
  maxJsonBytes: 64 * 1024 * 1024,
};

/** Timers take no more than this. */
export const longestTimerMs = 0x7fffffff;
