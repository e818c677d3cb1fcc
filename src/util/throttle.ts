import { monotonicMs } from './monotonic.ts';

/** Does something again and again, but not too often; disposed, it does nothing any more. */
export interface Throttle extends Disposable {
  /** There is something new: `act` is called now or as soon as its turn comes. */
  touch(): void;
}

/** @param everyMs the shortest time between two calls of `act`, and before the first, milliseconds. */
export function throttle(everyMs: number, act: () => void): Throttle {
  let lastAt = monotonicMs();
  let timer: NodeJS.Timeout | undefined;
  const run = (): void => {
    timer = undefined;
    lastAt = monotonicMs();
    act();
  };
  return {
    touch() {
      timer ??= setTimeout(run, Math.max(0, lastAt + everyMs - monotonicMs()));
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
