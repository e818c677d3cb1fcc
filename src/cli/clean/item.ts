/** Something that `ci clean` removes, or would remove. */
export interface Item {
  readonly kind: 'container' | 'network' | 'volume' | 'process' | 'mount' | 'run' | 'directory';
  /** A path, a pid, or what the engine calls it by. */
  readonly name: string;
  readonly bytes?: number;
  /** For people: the job it belongs to, or the command that runs. */
  readonly about?: string;
}

/** Something that is still there. */
export interface Unremoved extends Item {
  readonly why: string;
}

/** What one part of the clean-up found. */
export interface Found {
  readonly items: readonly Item[];
  readonly unremoved: readonly Unremoved[];
  /** Why this part could not be looked at. */
  readonly problem?: string;
}

/** What a part gives back that has nothing to remove. */
export const nothing: Found = { items: [], unremoved: [] };

/** `list`: nothing is removed. */
export type CleanMode = 'list' | 'remove';

/** Several parts as one. */
export function together(parts: readonly Found[]): Found & { readonly problems: readonly string[] } {
  return {
    items: parts.flatMap(({ items }) => items),
    unremoved: parts.flatMap(({ unremoved }) => unremoved),
    problems: parts.flatMap(({ problem }) => (problem === undefined ? [] : [problem])),
  };
}
