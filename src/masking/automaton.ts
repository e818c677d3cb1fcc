/** A byte sequence to look for. */
export interface Pattern {
  readonly bytes: Uint8Array;
  /** `phrase`: the bytes themselves are secret. `opener`: what follows them is (a token's prefix, `?private_token=`). */
  readonly kind: 'phrase' | 'opener';
}

/**
 * Aho–Corasick over byte classes with the failure links resolved, so that a scan is one table look-up a byte.
 * A state is the number of its row in `next`; rows are `1 << shift` wide; state 0 is the root.
 */
export interface Automaton {
  readonly shift: number;
  /** Byte → class; 0 is every byte that no pattern holds. */
  readonly classes: Uint8Array;
  readonly next: Uint16Array | Int32Array;
  /** State → length of the longest pattern start that the text read so far ends with. */
  readonly depth: Int32Array;
  /** State → length of the longest phrase that ends here; 0: none. */
  readonly phraseLength: Int32Array;
  /** State → 1 when an opener ends here. */
  readonly opens: Uint8Array;
  /** State → 1 when a phrase or an opener ends here. */
  readonly ends: Uint8Array;
  /** Byte → 1 when it leads away from the root. */
  readonly starts: Uint8Array;
  /** The same as a list. */
  readonly startBytes: readonly number[];
  readonly skips: Skips | undefined;
}

/**
 * How far a search at the root may jump (Wu and Manber, 1994): it looks at the two bytes that end a window as long as
 * the shortest pattern; where no pattern has those two near its start, none can begin in most of the window.
 */
export interface Skips {
  /** Length of the window. */
  readonly window: number;
  /** Last byte but one << 8 | last byte of the window → how far to move it; 0: a pattern may begin where it begins. */
  readonly by: Uint8Array;
}

const lower = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte);

/** @param letters `fold`: ASCII letters match without regard to case. */
export function buildAutomaton(patterns: readonly Pattern[], letters: 'exact' | 'fold' = 'exact'): Automaton {
  const normal = letters === 'fold' ? lower : (byte: number): number => byte;
  const { classes, width } = classify(patterns, normal);
  const shift = Math.ceil(Math.log2(Math.max(width, 2)));
  const capacity = 1 + patterns.reduce((sum, pattern) => sum + pattern.bytes.length, 0);
  const next = new Int32Array(capacity << shift);
  const depth = new Int32Array(capacity);
  const phraseLength = new Int32Array(capacity);
  const opens = new Uint8Array(capacity);
  let states = 1;
  for (const { bytes, kind } of patterns) {
    let state = 0;
    for (let index = 0; index < bytes.length; index++) {
      const slot = (state << shift) | classes[bytes[index]!]!;
      if (next[slot] === 0) {
        depth[states] = index + 1;
        next[slot] = states++;
      }
      state = next[slot]!;
    }
    if (kind === 'phrase') phraseLength[state] = bytes.length;
    else opens[state] = 1;
  }
  resolveFailures({ next, phraseLength, opens }, shift, states);
  const ends = Uint8Array.from({ length: states }, (_, state) =>
    phraseLength[state] !== 0 || opens[state] !== 0 ? 1 : 0,
  );
  const starts = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) starts[byte] = next[classes[byte]!] === 0 ? 0 : 1;
  return {
    shift,
    classes,
    next: narrow(next.subarray(0, states << shift), states),
    depth,
    phraseLength,
    opens,
    ends,
    starts,
    startBytes: [...starts.keys()].filter((byte) => starts[byte] === 1),
    skips: letters === 'fold' ? undefined : buildSkips(patterns),
  };
}

/** Longer windows hardly ever jump further. */
const longestWindow = 16;

function buildSkips(patterns: readonly Pattern[]): Skips | undefined {
  const window = patterns.reduce((least, { bytes }) => Math.min(least, bytes.length), longestWindow);
  if (window < 2) return undefined;
  const by = new Uint8Array(0x10000).fill(window - 1);
  for (const { bytes } of patterns) {
    for (let end = 1; end < window; end++) {
      const pair = (bytes[end - 1]! << 8) | bytes[end]!;
      by[pair] = Math.min(by[pair]!, window - 1 - end);
    }
  }
  return { window, by };
}

/** Half the memory for all but giant sets of secrets. */
function narrow(next: Int32Array, states: number): Uint16Array | Int32Array {
  return states <= 0x10000 ? Uint16Array.from(next) : next.slice();
}

function classify(patterns: readonly Pattern[], normal: (byte: number) => number) {
  const used = new Uint8Array(256);
  for (const { bytes } of patterns) for (const byte of bytes) used[normal(byte)] = 1;
  const classOf = new Uint8Array(256);
  let width = 1;
  for (let byte = 0; byte < 256; byte++) {
    // With all 256 bytes in use the 256th would need a class of its own; it may share none, so it takes number 0.
    if (used[byte] === 1) classOf[byte] = width < 256 ? width++ : 0;
  }
  const classes = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) classes[byte] = classOf[normal(byte)]!;
  return { classes, width };
}

/** Breadth first: fills in the missing transitions and inherits what ends at the longest proper suffix. */
function resolveFailures(
  tables: { readonly next: Int32Array; readonly phraseLength: Int32Array; readonly opens: Uint8Array },
  shift: number,
  states: number,
): void {
  const { next, phraseLength, opens } = tables;
  const width = 1 << shift;
  const failure = new Int32Array(states);
  const queue = new Int32Array(states);
  let head = 0;
  let tail = 0;
  for (let byteClass = 0; byteClass < width; byteClass++) {
    if (next[byteClass] !== 0) queue[tail++] = next[byteClass]!;
  }
  while (head < tail) {
    const state = queue[head++]!;
    const fallback = failure[state]!;
    if (phraseLength[state] === 0) phraseLength[state] = phraseLength[fallback]!;
    if (opens[fallback] === 1) opens[state] = 1;
    for (let byteClass = 0; byteClass < width; byteClass++) {
      const slot = state * width + byteClass;
      const target = next[slot]!;
      const inherited = next[fallback * width + byteClass]!;
      if (target === 0) next[slot] = inherited;
      else {
        failure[target] = inherited;
        queue[tail++] = target;
      }
    }
  }
}
