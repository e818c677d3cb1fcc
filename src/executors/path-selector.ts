import type { FileSelection } from '../model/files.ts';
import { type PathPattern, pathPatterns } from '../util/files/path-pattern.ts';
import { staticPrefix } from '../util/glob.ts';

/** Decides about one path after the other, in the order in which an archive brings them. */
export interface PathSelector {
  readonly patterns: readonly PathPattern[];
  /** Patterns that lead outside of the base. */
  readonly outside: readonly string[];
  takes(entry: { readonly path: string }): boolean;
  /** Patterns that have taken nothing so far. */
  unmatched(): readonly string[];
}

/**
 * The rules of `selectFiles` for paths that come one by one: a directory that matches stands for all below it, `.git`
 * only where a pattern names it, `exclude` is tried on every single path.
 * @param names absolute paths of the base directory.
 */
export function pathSelector(selection: FileSelection, names: readonly string[]): PathSelector {
  const { patterns, outside } = pathPatterns(selection.paths, names, selection.repositories);
  const { patterns: excluded } = pathPatterns(selection.exclude, names);
  const found = new Set<PathPattern>();
  const coveringOf = new Map<string, readonly PathPattern[]>([['', patterns.filter(({ glob }) => glob === '')]]);
  const covering = (path: string): readonly PathPattern[] => {
    const known = coveringOf.get(path);
    if (known !== undefined) return known;
    const slash = path.lastIndexOf('/');
    const above = covering(slash < 0 ? '' : path.slice(0, slash));
    const inGit = path.split('/').includes('.git');
    const matching = patterns.filter((pattern) => pattern.matches(path));
    const all = [...new Set([...above, ...matching])].filter((pattern) => !inGit || pattern.takesGit);
    coveringOf.set(path, all);
    return all;
  };
  return {
    patterns,
    outside,
    takes: ({ path }) => {
      if (path === '') return false;
      const by = covering(path);
      if (by.length === 0 || excluded.some((pattern) => pattern.matches(path))) return false;
      for (const pattern of by) found.add(pattern);
      return true;
    },
    unmatched: () => patterns.filter((pattern) => !found.has(pattern)).map(({ text }) => text),
  };
}

/** Fewest paths below which everything lies that the patterns can match; `''` is the base itself. */
export function selectionRoots(patterns: readonly PathPattern[]): readonly string[] {
  const prefixes = [...new Set(patterns.map(({ glob }) => staticPrefix(glob)))].sort((a, b) => a.length - b.length);
  const roots: string[] = [];
  for (const prefix of prefixes) {
    if (!roots.some((root) => root === '' || prefix === root || prefix.startsWith(`${root}/`))) roots.push(prefix);
  }
  return roots;
}
