/** Counts what is under way and keeps the first failure. */
export interface InFlight {
  /** @throws the first failure so far. */
  throwIfFailed(): void;
  /** Resolves when there is room for more, not when the work is done; undefined: there is. @throws the first failure. */
  run(work: Promise<void>): Promise<void> | undefined;
  /** Resolves when nothing is under way any more, whether it failed or not. */
  idle(): Promise<void>;
}

/** @param most how much may be under way at once. */
export function inFlight(most: number): InFlight {
  let running = 0;
  let failure: { readonly error: unknown } | undefined;
  const waiting: (() => void)[] = [];
  const throwIfFailed = (): void => {
    if (failure) throw failure.error;
  };
  const waitFor = async (limit: number): Promise<void> => {
    while (running > limit) {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
      });
    }
  };
  return {
    throwIfFailed,
    run: (work: Promise<void>): Promise<void> | undefined => {
      running++;
      const done = (): void => {
        running--;
        for (const wake of waiting.splice(0)) wake();
      };
      work.then(done, (error: unknown) => {
        failure ??= { error };
        done();
      });
      return running < most ? undefined : waitFor(most - 1).then(throwIfFailed);
    },
    idle: () => waitFor(0),
  };
}
