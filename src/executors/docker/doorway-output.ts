import { doorwayMark } from './visit-lines.ts';

/** What a piece of a doorway's output is. */
export type DoorwayOutput =
  /** The mark has not come: the terminal echoes the variables. */
  | { readonly kind: 'not yet' }
  /** It came in this piece; `rest` follows it. */
  | { readonly kind: 'now'; readonly rest: Buffer }
  /** It came before. */
  | { readonly kind: 'before'; readonly rest: Buffer };

/** More than a program says about why it can't do anything. */
const mostHeldBytes = 64 << 10;

/**
 * Holds output back up to the mark.
 * @param written the lines that were written to the doorway, which a terminal echoes.
 */
export function doorwayOutput(written: string): {
  /** Takes the next piece. */
  push(chunk: Buffer): DoorwayOutput;
  /** What came without a mark, but for the echo: why there is no shell. */
  unmarked(): string;
} {
  let held = Buffer.alloc(0);
  let isFound = false;
  return {
    push: (chunk) => {
      if (isFound) return { kind: 'before', rest: chunk };
      const seen = Buffer.concat([held, chunk]);
      const at = seen.indexOf(doorwayMark, Math.max(0, held.length - doorwayMark.length + 1));
      if (at < 0) {
        held = seen.subarray(Math.max(0, seen.length - mostHeldBytes));
        return { kind: 'not yet' };
      }
      isFound = true;
      return { kind: 'now', rest: seen.subarray(at + doorwayMark.length) };
    },
    unmarked: () => {
      if (isFound) return '';
      const echoed = new Set(written.split('\n'));
      const lines = held.toString('utf8').split(/\r?\n/);
      return lines.filter((line) => line !== '' && !echoed.has(line)).join('\r\n');
    },
  };
}
