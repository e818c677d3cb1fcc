import type { LogSink } from '../../model/ports.ts';
import { deferred } from '../../util/deferred.ts';

/** One output of a command: what stands between two marks goes on, the rest is nobody's. */
export interface MarkedOutput {
  take(bytes: Uint8Array): Promise<void>;
  /** The exit code, once everything before it has been taken. */
  readonly ended: Promise<number>;
}

/** Digits behind the mark of the end. */
const digits = 3;

/**
 * @param mark as given to `runProgram`.
 * @param goesOn asked for what comes after the end: while a command is being ended, what its processes still say is its own.
 */
export function markedOutput(mark: string, sink: LogSink, goesOn: () => boolean): MarkedOutput {
  const [begin, end] = [Buffer.from(`\x1e${mark}b`), Buffer.from(`\x1e${mark}e`)];
  const ended = deferred<number>();
  ended.promise.catch(() => {});
  let state: 'before' | 'inside' | 'after' = 'before';
  let held: Buffer = Buffer.alloc(0);
  const takeBefore = (all: Buffer): Buffer | undefined => {
    const at = all.indexOf(begin);
    if (at < 0) {
      held = all.subarray(-begin.length);
      return undefined;
    }
    state = 'inside';
    return all.subarray(at + begin.length);
  };
  const takeInside = async (all: Buffer): Promise<void> => {
    const at = all.indexOf(end);
    const isWhole = at >= 0 && all.length >= at + end.length + digits;
    const upTo = at >= 0 ? at : all.length - beginningOf(end, all);
    if (isWhole) state = 'after';
    else held = Buffer.from(all.subarray(upTo));
    if (upTo > 0) await sink.write(all.subarray(0, upTo));
    if (!isWhole) return;
    const rest = all.subarray(at + end.length + digits);
    if (rest.length > 0 && goesOn()) await sink.write(rest);
    ended.resolve(Number(all.toString('latin1', at + end.length, at + end.length + digits)));
  };
  return {
    ended: ended.promise,
    take: async (bytes) => {
      if (state === 'after') return goesOn() ? sink.write(bytes) : undefined;
      const all = held.length === 0 ? Buffer.from(bytes) : Buffer.concat([held, bytes]);
      held = Buffer.alloc(0);
      const inside = state === 'before' ? takeBefore(all) : all;
      if (inside !== undefined && inside.length > 0) await takeInside(inside);
    },
  };
}

/** How many of the last bytes may be the beginning of the mark. */
function beginningOf(mark: Buffer, bytes: Buffer): number {
  for (let length = Math.min(mark.length - 1, bytes.length); length > 0; length--) {
    if (bytes.subarray(-length).equals(mark.subarray(0, length))) return length;
  }
  return 0;
}
