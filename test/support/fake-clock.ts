import type { Clock } from '../../src/util/clock.ts';

/** A clock that moves only when told. */
export interface FakeClock extends Clock {
  /** Moves on; wakes sleepers in the order of their time and lets what they start run before the next one. */
  advance(ms: number): Promise<void>;
  /** Sets what `now` says ahead or back, as somebody may set the clock; nobody wakes of it. */
  set(byMs: number): void;
  /** How many sleep now. */
  readonly sleepers: number;
}

/** Lets everything run that waits for nothing but the event loop. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export function fakeClock(startMs = 1_700_000_000_000): FakeClock {
  let now = startMs;
  let setByMs = 0;
  const sleeping = new Set<{ readonly at: number; readonly wake: () => void }>();
  return {
    now: () => now + setByMs,
    elapsed: () => now,
    set(byMs) {
      setByMs += byMs;
    },
    get sleepers() {
      return sleeping.size;
    },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) {
          resolve();
          return;
        }
        const sleeper = {
          at: now + ms,
          wake: () => {
            sleeping.delete(sleeper);
            signal?.removeEventListener('abort', sleeper.wake);
            resolve();
          },
        };
        sleeping.add(sleeper);
        signal?.addEventListener('abort', sleeper.wake, { once: true });
      }),
    async advance(ms) {
      const target = now + ms;
      for (;;) {
        await settled();
        const next = [...sleeping].filter(({ at }) => at <= target).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        now = next.at;
        next.wake();
      }
      now = target;
      await settled();
    },
  };
}
