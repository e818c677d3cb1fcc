import type { RateLimits, Settings } from '../options.ts';
import { ApiError } from './api-error.ts';

const periodMs = 60_000;

/** Counts requests of one token in windows of a minute, and refuses by 429 what is too much. */
export interface RateLimiter {
  check(kind: keyof RateLimits, token: string): void;
}

/** The limiter that the settings ask for. */
export function rateLimiter({ rateLimits, clock, throttledBy }: Settings): RateLimiter {
  const counts = new Map<string, { readonly window: number; count: number }>();
  return {
    check(kind, token) {
      const limit = rateLimits === 'off' ? 0 : rateLimits[kind];
      if (limit === 0) return;
      const window = Math.floor(clock.now() / periodMs);
      const key = `${kind} ${token}`;
      const known = counts.get(key);
      const counter = known?.window === window ? known : { window, count: 0 };
      counts.set(key, counter);
      counter.count++;
      if (counter.count > limit) throw tooMany(throttledBy, limit, (window + 1) * periodMs, clock.now());
    },
  };
}

/** How GitLab words it: from the application, or from Rack::Attack before it. */
function tooMany(by: Settings['throttledBy'], limit: number, resetAtMs: number, now: number): ApiError {
  const retryAfter = String(Math.ceil((resetAtMs - now) / 1000));
  if (by === 'application') {
    const error = 'This endpoint has been requested too many times. Try again later.';
    return new ApiError(429, { message: { error } }, { headers: { 'retry-after': retryAfter }, kind: 'state' });
  }
  const headers = {
    'retry-after': retryAfter,
    'ratelimit-limit': String(limit),
    'ratelimit-remaining': '0',
    'ratelimit-reset': String(resetAtMs / 1000),
    'ratelimit-resettime': new Date(resetAtMs).toUTCString(),
  };
  return new ApiError(429, { message: 'Retry later' }, { headers, kind: 'state' });
}
