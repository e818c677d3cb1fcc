import { isUtf8 } from 'node:buffer';

/** Makes any bytes valid UTF-8, however they are cut: what is none becomes U+FFFD, as servers store text. */
export interface Utf8Repair {
  /** @returns what is decided; up to three bytes of a character that is not complete yet wait. */
  take(bytes: Uint8Array): Uint8Array;
  /** @returns what still waits: no character will come of it. */
  end(): Uint8Array;
}

/** One for a whole log. */
export function utf8Repair(): Utf8Repair {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let waiting = false;
  return {
    take(bytes) {
      // What programs write mostly is whole already, and needs no copy.
      if (!waiting && isUtf8(bytes)) return bytes;
      const text = decoder.decode(bytes, { stream: true });
      waiting = !endsWhole(bytes);
      return Buffer.from(text);
    },
    end() {
      waiting = false;
      return Buffer.from(decoder.decode());
    },
  };
}

/** False where the bytes may end within a character. */
function endsWhole(bytes: Uint8Array): boolean {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) return true;
    if (byte >= 0xc0) return false;
  }
  // Only bytes that continue something: it may have begun in an earlier piece.
  return bytes.length > 3;
}

/** The longest start of valid UTF-8 that is no longer than `most` bytes and ends with a whole character. */
export function wholeCharacters(bytes: Uint8Array, most: number): Uint8Array {
  let end = Math.min(most, bytes.length);
  while (end > 0 && end < bytes.length && (bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}
