import { monotonicMs } from '../monotonic.ts';

/**
 * Makes a function to await between small pieces of synchronous work: it lets the event loop turn once `sliceMs` have
 * passed since it last did. Synchronous file calls in slices are several times cheaper than asynchronous ones.
 */
export function timeSlices(signal?: AbortSignal, sliceMs = 10): () => Promise<void> | undefined {
  let last = monotonicMs();
  return () => {
    if (monotonicMs() - last < sliceMs) return undefined;
    return new Promise((resolve, reject) => {
      setImmediate(() => {
        last = monotonicMs();
        if (signal?.aborted) reject(signal.reason);
        else resolve();
      });
    });
  };
}
