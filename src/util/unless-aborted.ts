import { deferred } from './deferred.ts';

/**
 * Waits for something that can't be called off, until a signal is aborted: it goes on then, and nobody waits any more.
 * @throws the signal's reason, or what the work rejects with.
 */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const left = deferred<never>();
  left.promise.catch(() => {});
  work.catch(() => {});
  const leave = (): void => left.reject(signal.reason);
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) leave();
  try {
    return await Promise.race([left.promise, work]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}
