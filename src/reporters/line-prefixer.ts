import { stripColors } from './terminal-text.ts';

const lineEnd = 0x0a;

/** Puts a prefix before every line of a stream of bytes; only whole lines come out. */
export interface LinePrefixer {
  /** Whole lines among what was given so far, with the prefix; undefined if there is none yet. */
  push(chunk: Uint8Array): Buffer | undefined;
  /** What is left of an unfinished line, with prefix and a line end; undefined if there is none. */
  flush(): Buffer | undefined;
}

/** What becomes of a line besides the prefix. */
export interface LinePrefixerOptions {
  /** `strip`: takes colours and erasing out of the lines. Default: every byte stays. */
  readonly colors?: 'keep' | 'strip';
  /** An unfinished line longer than this many bytes is broken, so that memory stays bounded. Default 64 KiB. */
  readonly maxCarry?: number;
}

/** Makes a LinePrefixer. Bytes of the lines come out as they went in, also invalid UTF-8. */
export function linePrefixer(prefix: string, options: LinePrefixerOptions = {}): LinePrefixer {
  const { colors = 'keep', maxCarry = 64 * 1024 } = options;
  // As latin1 every byte is one character: native string functions do the work and no byte is changed.
  const prefixLatin1 = Buffer.from(prefix).toString('latin1');
  let carry: Buffer[] = [];
  let carried = 0;

  function take(last: Buffer): Buffer {
    const whole = carry.length === 0 ? last : Buffer.concat([...carry, last]);
    carry = [];
    carried = 0;
    return whole;
  }
  function prefixed(lines: Buffer): Buffer {
    const latin1 = lines.toString('latin1');
    const text = colors === 'strip' ? stripColors(latin1) : latin1;
    return Buffer.from(prefixLatin1 + text.replaceAll('\n', `\n${prefixLatin1}`), 'latin1');
  }

  return {
    push(chunk) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      const end = bytes.lastIndexOf(lineEnd);
      if (end === -1 && carried + bytes.length <= maxCarry) {
        // A copy: the writer may use its buffer again.
        carry.push(Buffer.from(bytes));
        carried += bytes.length;
        return undefined;
      }
      const lines = end === -1 ? [] : [prefixed(take(bytes.subarray(0, end))), newline];
      let rest = bytes.subarray(end + 1);
      while (carried + rest.length > maxCarry) {
        const room = maxCarry - carried;
        lines.push(prefixed(take(rest.subarray(0, room))), newline);
        rest = rest.subarray(room);
      }
      if (rest.length > 0) {
        carry.push(Buffer.from(rest));
        carried += rest.length;
      }
      return Buffer.concat(lines);
    },
    flush() {
      if (carried === 0) return undefined;
      return Buffer.concat([prefixed(take(Buffer.alloc(0))), newline]);
    },
  };
}

const newline = Buffer.from('\n');
