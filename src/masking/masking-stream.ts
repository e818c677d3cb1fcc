import type { LogSink } from '../model/ports.ts';
import type { Automaton } from './automaton.ts';

/** What to look for. `automaton` may be replaced while streams are open. */
export interface Rule {
  readonly automaton: Automaton;
  /** Byte → 1 when it belongs to what an opener opened. */
  readonly follows: Uint8Array;
}

/** A part of the stream to hide; positions are counted from the stream's first byte. */
interface Hidden {
  start: number;
  end: number;
  /** `[MASKED]` is out already; the part may still grow to the right. */
  written: boolean;
}

const replacement = Buffer.from('[MASKED]');
const nothing = Buffer.alloc(0);

/**
 * Replaces every secret by `[MASKED]`, however the stream is cut. Matches that overlap are hidden as one, so of two
 * secrets that share bytes nothing shows. Held back is only what may be the beginning of a secret.
 */
export class MaskingStream implements LogSink {
  readonly #rule: Rule;
  readonly #sink: LogSink;
  #automaton: Automaton;
  #state = 0;
  /** `after-opener`: an opener has just ended. `inside`: the last hidden part is a token that goes on. */
  #token: 'none' | 'after-opener' | 'inside' = 'none';
  /** Ordered, never overlapping. */
  #hidden: Hidden[] = [];
  /** The bytes before the next chunk that a match may still reach back to. */
  #kept: Buffer = nothing;
  /** Position of the next byte to come. */
  #position = 0;
  /** Position up to which everything is written or hidden for good. */
  #decided = 0;

  constructor(rule: Rule, sink: LogSink) {
    this.#rule = rule;
    this.#sink = sink;
    this.#automaton = rule.automaton;
  }

  write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return Promise.resolve();
    this.#takeNewRule();
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#scan(chunk, this.#position);
    this.#position += chunk.length;
    return this.#send(chunk, this.#position - this.#automaton.depth[this.#state]!);
  }

  /** Writes what was held back, most often nothing (undefined); the next byte starts afresh. */
  flush(): Promise<void> | undefined {
    this.#state = 0;
    this.#token = 'none';
    if (this.#hidden.length === 0 && this.#kept.length === 0) return undefined;
    return this.#send(nothing, this.#position);
  }

  /** Reads what was kept once more with the new table; matches found twice merge. */
  #takeNewRule(): void {
    if (this.#automaton === this.#rule.automaton) return;
    this.#automaton = this.#rule.automaton;
    this.#state = 0;
    const token = this.#token;
    this.#token = 'none';
    this.#scan(this.#kept, this.#position - this.#kept.length);
    if (token !== 'none') this.#token = token;
  }

  #scan(chunk: Buffer, from: number): void {
    if (this.#hasNothing(chunk)) return;
    const { shift, classes, next, ends } = this.#automaton;
    const follows = this.#rule.follows;
    const end = chunk.length;
    let state = this.#state;
    let index = 0;
    while (index < end) {
      if (this.#token === 'none') {
        const found = this.#search(chunk, index, state);
        if (found < 0) return;
        index = found;
        state = this.#state;
      } else {
        const byte = chunk[index]!;
        state = next[(state << shift) | classes[byte]!]!;
        this.#continueToken(follows[byte] === 1, from + index);
      }
      if (ends[state] === 1) this.#matched(state, from + index + 1);
      index++;
    }
    this.#state = state;
  }

  /** Native search, where few bytes can begin anything (URL parameters: `?` and `&`). */
  #hasNothing(chunk: Buffer): boolean {
    const { startBytes } = this.#automaton;
    if (this.#state !== 0 || this.#token !== 'none' || startBytes.length > 2) return false;
    // `_` and `g` are in every line: looking for them twice would cost more than it saves.
    return startBytes.every((byte) => !isWordByte(byte) && !chunk.includes(byte));
  }

  /**
   * Reads on until something ends; the loop that all output goes through.
   * @returns the index of the last byte of what was found, with `#state` after it; -1: nothing up to the end.
   */
  #search(chunk: Buffer, index: number, from: number): number {
    const { shift, classes, next, ends } = this.#automaton;
    const end = chunk.length;
    let state = from;
    for (let at = index; at < end; at++) {
      if (state === 0) {
        at = nextStart(this.#automaton, chunk, at);
        if (at === end) break;
      }
      state = next[(state << shift) | classes[chunk[at]!]!]!;
      if (ends[state] === 1) {
        this.#state = state;
        return at;
      }
    }
    this.#state = state;
    return -1;
  }

  #matched(state: number, end: number): void {
    const length = this.#automaton.phraseLength[state]!;
    if (length !== 0) this.#hide(end - length, end);
    if (this.#automaton.opens[state] === 1 && this.#token === 'none') this.#token = 'after-opener';
  }

  #continueToken(belongs: boolean, position: number): void {
    if (!belongs) {
      this.#token = 'none';
      return;
    }
    const last = this.#hidden.at(-1);
    if (this.#token === 'inside' && last !== undefined) last.end = Math.max(last.end, position + 1);
    else this.#hide(position, position + 1);
    this.#token = 'inside';
  }

  #hide(start: number, end: number): void {
    let first = start;
    let last = end;
    let written = false;
    for (let top = this.#hidden.at(-1); top !== undefined && top.end > first; top = this.#hidden.at(-1)) {
      first = Math.min(first, top.start);
      last = Math.max(last, top.end);
      written ||= top.written;
      this.#hidden.pop();
    }
    this.#hidden.push({ start: first, end: last, written });
  }

  /** @param safe no later match begins before this position. */
  #send(chunk: Buffer, safe: number): Promise<void> {
    if (this.#hidden.length === 0 && this.#kept.length === 0 && safe === this.#position) {
      this.#decided = safe;
      return chunk.length === 0 ? Promise.resolve() : this.#sink.write(chunk);
    }
    const pieces: Uint8Array[] = [];
    const remaining: Hidden[] = [];
    const ongoing = this.#token === 'inside' ? this.#hidden.at(-1) : undefined;
    for (const hidden of this.#hidden) {
      if (hidden.start > safe) {
        remaining.push(hidden);
        continue;
      }
      if (!hidden.written) {
        this.#copy(chunk, hidden.start, pieces);
        pieces.push(replacement);
        hidden.written = true;
      }
      this.#decided = Math.max(this.#decided, hidden.end);
      if (hidden.end > safe || hidden === ongoing) remaining.push(hidden);
    }
    this.#copy(chunk, safe, pieces);
    this.#hidden = remaining;
    this.#keep(chunk, safe);
    if (pieces.length === 0) return Promise.resolve();
    return this.#sink.write(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces));
  }

  /** Takes the bytes from `#decided` to `to`, which lie in `#kept`, in the chunk, or in both. */
  #copy(chunk: Buffer, to: number, pieces: Uint8Array[]): void {
    const from = this.#decided;
    if (to <= from) return;
    const chunkStart = this.#position - chunk.length;
    const keptStart = chunkStart - this.#kept.length;
    if (from < chunkStart) pieces.push(this.#kept.subarray(from - keptStart, Math.min(to, chunkStart) - keptStart));
    if (to > chunkStart) pieces.push(chunk.subarray(Math.max(from, chunkStart) - chunkStart, to - chunkStart));
    this.#decided = to;
  }

  #keep(chunk: Buffer, safe: number): void {
    const chunkStart = this.#position - chunk.length;
    if (safe >= this.#position) this.#kept = nothing;
    else if (safe >= chunkStart) this.#kept = Buffer.from(chunk.subarray(safe - chunkStart));
    else this.#kept = Buffer.concat([this.#kept.subarray(safe - (chunkStart - this.#kept.length)), chunk]);
  }
}

/** Where the next pattern may begin, at `from` or after it; the chunk's length when none does. */
function nextStart({ starts, skips }: Automaton, chunk: Buffer, from: number): number {
  const end = chunk.length;
  let at = from;
  if (skips !== undefined) {
    const { window, by } = skips;
    for (let last = at + window - 1; last < end; last = at + window - 1) {
      const skip = by[(chunk[last - 1]! << 8) | chunk[last]!]!;
      if (skip !== 0) at += skip;
      else if (starts[chunk[at]!] === 1) return at;
      else at++;
    }
  }
  while (at < end && starts[chunk[at]!] === 0) at++;
  return at;
}

function isWordByte(byte: number): boolean {
  return /\w/.test(String.fromCharCode(byte));
}
