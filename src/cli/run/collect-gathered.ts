/** How to look at a heap and how to collect its garbage. */
export interface Heap {
  /** Bytes in use, of buffers too, garbage that nobody has looked for yet among them. */
  used(): number;
  /** Takes some 10 ms for 10 MB, on this thread. */
  collect(): void;
}

/** A run that is shorter is never held up. */
const lookEveryMs = 1000;
/** Young objects alone make up for a third of it. */
const worthBytes = 6 * 1024 * 1024;
/** V8 has a look at a larger one often enough, and it takes long. */
const mostBytes = 48 * 1024 * 1024;

/**
 * Collects what gathers in a small heap. Of a long log's objects and buffers, and of each job's, some are alive whenever the young ones are
 * collected, and count as old soon after; V8 does not look at those before there are many: 9 MB of each after 9 GB of a log, 15 MB after 500 jobs.
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
