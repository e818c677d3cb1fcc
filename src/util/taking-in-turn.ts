import type { TakeBytes } from './process.ts';

/** Gives chunks to a sink, one at a time. */
export interface TakingInTurn {
  push(bytes: Uint8Array): void;
  /** All that was pushed has been taken. */
  isIdle(): boolean;
}

/** So many bytes are worth a message that they were taken. */
const worthTelling = 64 * 1024;

/**
 * @param told.taken hears now and then how many more bytes were taken.
 * @param told.idle called each time when all was taken.
 * @param told.failed hears the error of the sink; what comes after it is thrown away.
 */
export function takingInTurn(
  take: TakeBytes,
  told: { taken(bytes: number): void; idle(): void; failed(error: unknown): void },
): TakingInTurn {
  const waiting: Uint8Array[] = [];
  let busy = false;
  let broken = false;
  let untold = 0;
  const count = (bytes: number): void => {
    untold += bytes;
    if (untold < worthTelling) return;
    told.taken(untold);
    untold = 0;
  };
  const fail = (error: unknown): void => {
    broken = true;
    busy = false;
    for (const bytes of waiting.splice(0)) count(bytes.length);
    told.failed(error);
  };
  const give = (bytes: Uint8Array): void => {
    busy = true;
    take(bytes).then(() => {
      count(bytes.length);
      const next = waiting.shift();
      if (next !== undefined) return give(next);
      busy = false;
      told.idle();
    }, fail);
  };
  return {
    push: (bytes) => {
      if (broken) count(bytes.length);
      else if (busy) waiting.push(bytes);
      else give(bytes);
    },
    isIdle: () => !busy,
  };
}
