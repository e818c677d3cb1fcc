/** How to look at a heap and how to collect its garbage. */
export interface Heap {
  /** Bytes in use, garbage that nobody has looked for yet among them. */
  used(): number;
  /** Takes some 10 ms for 10 MB, on this thread. */
  collect(): void;
}

/** Long enough that a short run is never held up. */
const lookEveryMs = 5000;
/** Young objects alone make up for half of it. */
const worthBytes = 3 * 1024 * 1024;
/** V8 has a look at a larger one often enough, and it takes long. */
const mostBytes = 32 * 1024 * 1024;

/**
 * Collects what gathers in a small heap. Of a long log's objects and buffers a few are always alive when the young ones are collected,
 * and count as old soon after; V8 does not look at those before there are many: 9 MB of each after 9 GB of a log.
 * Keeps no process alive. Dispose when nothing is going on any more.
 */
export function collectGathered(heap: Heap): Disposable {
  let least = heap.used();
  const timer = setInterval(() => {
    const used = heap.used();
    least = Math.min(least, used);
    if (used - least < worthBytes || used > mostBytes) return;
    // Should it not come down, it counts as what is needed.
    least = used;
    heap.collect();
  }, lookEveryMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
