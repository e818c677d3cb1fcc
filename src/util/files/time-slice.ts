import { monotonicMs } from '../monotonic.ts';

const callsPerLook = 8;

/**
 * Makes a function to await between small pieces of synchronous work: it lets the event loop turn once `sliceMs` have
 * passed since it last did. Synchronous file calls in slices are several times cheaper than asynchronous ones.
 */
export function timeSlices(signal?: AbortSignal, sliceMs = 10): () => Promise<void> | undefined {
  let last = monotonicMs();
  let calls = 0;
  return () => {
    // No single piece takes so long that the clock has to be looked at after each.
    if (++calls % callsPerLook !== 0 || monotonicMs() - last < sliceMs) return undefined;
    return new Promise((resolve, reject) => {
      setImmediate(() => {
        last = monotonicMs();
        if (signal?.aborted) reject(signal.reason);
        else resolve();
      });
    });
  };
}
