/** Longer lines are split: what is held of a line without an end takes no more room than this, header included. */
const mostHeldBytes = 8 * 1024;

const nothing: Uint8Array = new Uint8Array(0);
const lineEnd = Buffer.from('\n');

/**
 * A stream in a header: its number in two hexadecimal digits, and O for output or E for errors. `00O`: the runner's own
 * lines, `01O`: what jobs print, `01E`: their stderr, `0fO` and on: services.
 */
export type StreamMark = `${string}${'O' | 'E'}`;

/** Puts a header before each line of one stream of a job's log. */
export interface LineStamper {
  /** @returns what is to be written now; the rest of a line waits for its end. */
  take(bytes: Uint8Array): Uint8Array;
  /**
   * What still waits, as a line. `ends`: what comes is a line of its own; `goes-on`: it continues the line that was cut.
   */
  flush(how: 'ends' | 'goes-on'): Uint8Array;
}

/**
 * Headers as GitLab Runner writes them (FF_TIMESTAMPS): `2026-01-02T03:04:05.123456Z 01O `, which are time, stream, its
 * kind, and a blank, or `+` where the line continues the one before of the same stream. That is so behind a line that was
 * too long, and behind a piece of output with `\r` that did not end in `\n`: progress is shown as it comes.
 * @param now milliseconds since 1970.
 */
export function lineStamper(stream: StreamMark, now: () => number): LineStamper {
  let held: Uint8Array = nothing;
  let flag: ' ' | '+' = ' ';
  let stamp = { at: Number.NaN, text: '' };
  const header = (): Buffer => {
    const at = now();
    // Most lines of a burst have the time of the one before.
    if (at !== stamp.at) stamp = { at, text: stampOf(at) };
    const text = `${stamp.text}${stream}${flag}`;
    flag = ' ';
    return Buffer.from(text);
  };
  /** Cuts a line where it has no end. Half a character stays behind. */
  const cut = (line: Uint8Array, pieces: Uint8Array[]): void => {
    const whole = line.length - unfinishedBytes(line);
    pieces.push(line.subarray(0, whole), lineEnd);
    flag = '+';
    held = whole === line.length ? nothing : Buffer.concat([header(), line.subarray(whole)]);
  };
  const takeTail = (tail: Uint8Array, pieces: Uint8Array[]): void => {
    const isFull = tail.length + held.length > mostHeldBytes;
    const line = Buffer.concat([held.length === 0 ? header() : held, tail]);
    if (isFull || tail.includes(0x0d)) cut(line, pieces);
    else held = line;
  };
  return {
    take(bytes) {
      const pieces: Uint8Array[] = [];
      let from = 0;
      for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, from)) {
        pieces.push(held.length === 0 ? header() : held, bytes.subarray(from, end + 1));
        held = nothing;
        from = end + 1;
      }
      if (from < bytes.length) takeTail(bytes.subarray(from), pieces);
      return pieces.length === 0 ? nothing : Buffer.concat(pieces);
    },
    flush(how) {
      const line = held.length === 0 ? nothing : Buffer.concat([held, lineEnd]);
      held = nothing;
      if (how === 'ends') flag = ' ';
      else if (line.length > 0) flag = '+';
      return line;
    },
  };
}

/** Six digits behind the point; the clock knows three of them. */
function stampOf(nowMs: number): string {
  return `${new Date(nowMs).toISOString().slice(0, -1)}000Z `;
}

/** How many bytes at the end begin a character of UTF-8 that needs more of them. */
function unfinishedBytes(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}
