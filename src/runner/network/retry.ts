import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../../util/clock.ts';
import type { NetworkLimits } from './network-limits.ts';

/** Is an answer one that may be better the next time? */
export function isRetriable(status: number): boolean {
  return [408, 429, 500, 502, 503, 504].includes(status) || status >= 512;
}

/** A random number from 0 to under 1. */
export type Random = () => number;

/** Waiting times that double, each drawn between the least and its value. */
export interface Backoff {
  /** Milliseconds to wait now. */
  next(): number;
}

/** @param given.random absent: the full time, always. */
export function backoff(given: { readonly minMs: number; readonly maxMs: number; readonly random?: Random }): Backoff {
  const { minMs, maxMs, random } = given;
  let valueMs = minMs;
  return {
    next() {
      const ms = random === undefined ? valueMs : minMs + random() * (valueMs - minMs);
      valueMs = Math.min(valueMs * 2, maxMs);
      return ms;
    },
  };
}

const httpDate = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \S+$/;

/**
 * How long a server wants us to wait: until `RateLimit-ResetTime`, or for the seconds of `Retry-After`.
 * @returns milliseconds; undefined: it doesn't say.
 */
export function askedWait(headers: IncomingHttpHeaders, nowMs: number): number | undefined {
  const reset = textOf(headers['ratelimit-resettime']);
  const resetMs = httpDate.test(reset) ? Date.parse(reset) : Number.NaN;
  if (resetMs > nowMs) return resetMs - nowMs;
  const after = textOf(headers['retry-after']);
  // Dates are not read, as the reference does; nor is what is no time at all.
  const seconds = /^\+?\d+$/.test(after) ? Number(after) : 0;
  return seconds > 0 && seconds <= longestWaitSeconds ? seconds * 1000 : undefined;
}

/** What Go's durations hold, 292 years. */
const longestWaitSeconds = 9_223_372_036;

function textOf(header: string | string[] | undefined): string {
  return ((Array.isArray(header) ? header[0] : header) ?? '').trim();
}

/** What tries need. */
export interface RetryGiven {
  readonly limits: NetworkLimits;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal | undefined;
  /** Told of each answer that asks to try less, be it the last. */
  readonly askedLess?: () => void;
}

/** The last answer, and how it came to be. */
export interface Tried<T> {
  readonly answer: T;
  readonly attempts: number;
  /** One answer was one that asks to try less, be it the last. */
  readonly retried: boolean;
}

/**
 * Tries until an answer is none to try again for, or there were enough. What `attempt` throws is not tried again.
 * @param given.discard lets go of an answer before the next try.
 * @throws the signal's reason, or what `attempt` throws.
 */
export async function retrying<T extends { readonly status: number; readonly headers: IncomingHttpHeaders }>(
  attempt: () => Promise<T>,
  given: RetryGiven & { readonly discard: (answer: T) => Promise<void> },
): Promise<Tried<T>> {
  const { limits, clock, random, signal } = given;
  const growing = backoff({ minMs: limits.backoffMinMs, maxMs: limits.backoffMaxMs, random });
  for (let attempts = 1; ; attempts++) {
    const answer = await attempt();
    const retriable = isRetriable(answer.status);
    if (retriable) given.askedLess?.();
    if (!retriable || attempts >= limits.maxAttempts) {
      return { answer, attempts, retried: retriable || attempts > 1 };
    }
    await given.discard(answer);
    const grownMs = growing.next();
    await clock.sleep(askedWait(answer.headers, clock.now()) ?? grownMs, signal);
    signal?.throwIfAborted();
  }
}
