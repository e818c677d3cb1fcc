import { visibleLines } from './terminal-text.ts';

/** The end of a job's output, kept in bounded memory. */
export interface LogTail {
  /** Costs at most one copy of `capacity` bytes, however long the chunk is. */
  append(bytes: Uint8Array): void;
  /** The last lines, at most `most`; invalid UTF-8 is replaced, sequences other than colours are gone. */
  lines(most: number): string[];
  /** Forgets everything: a new try of the job begins. */
  clear(): void;
}

/** Makes a LogTail that keeps the last `capacity` bytes. */
export function logTail(capacity: number): LogTail {
  // Twice the capacity, so that moving the end to the front happens once per `capacity` bytes, not at every chunk.
  let buffer: Buffer | undefined;
  let used = 0;
  let cut = false;
  return {
    append(bytes) {
      if (bytes.length === 0) return;
      buffer ??= Buffer.allocUnsafe(capacity * 2);
      if (bytes.length >= capacity) {
        cut ||= used > 0 || bytes.length > capacity;
        buffer.set(bytes.subarray(bytes.length - capacity), 0);
        used = capacity;
        return;
      }
      if (used + bytes.length > buffer.length) {
        buffer.copyWithin(0, used - capacity, used);
        used = capacity;
        cut = true;
      }
      buffer.set(bytes, used);
      used += bytes.length;
    },
    lines(most) {
      if (buffer === undefined || most <= 0) return [];
      let start = Math.max(0, used - capacity);
      if (cut || start > 0) {
        // The first line is not whole; if it is the only one, half of it is better than nothing.
        const end = buffer.subarray(0, used).indexOf(0x0a, start);
        if (end !== -1 && end < used - 1) start = end + 1;
        else while (start < used && (buffer[start]! & 0xc0) === 0x80) start++;
      }
      return visibleLines(buffer.toString('utf8', start, used)).slice(-most);
    },
    clear() {
      used = 0;
      cut = false;
    },
  };
}
