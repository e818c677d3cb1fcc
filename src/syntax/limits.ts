/** What one file may cost. A pipeline file is untrusted input: each bound turns a bomb into one error. */
export interface ParseLimits {
  /** UTF-8 bytes of the text. */
  readonly maxBytes: number;
  /** Collections inside collections. */
  readonly maxDepth: number;
  /** Nodes after aliases and merge keys are written out: at most `maxExpansion` × nodes in the text + `maxExtraNodes`. */
  readonly maxExpansion: number;
  readonly maxExtraNodes: number;
}

/** The limits every file is read with unless the user's own configuration raises them. */
export const defaultParseLimits: ParseLimits = {
  maxBytes: 16 * 1024 * 1024,
  maxDepth: 100,
  maxExpansion: 10,
  maxExtraNodes: 100_000,
};
