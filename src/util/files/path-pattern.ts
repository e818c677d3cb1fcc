import { compileGlob, staticPrefix } from '../glob.ts';

/** One of a selection's patterns, made ready for walking a tree. */
export interface PathPattern {
  /** As it was given. */
  readonly text: string;
  /** Relative to the root, cleaned; `''` is the root itself. */
  readonly glob: string;
  /** Does it take `.git`, and what is in it? */
  readonly takesGit: boolean;
  matches(path: string): boolean;
  /** False when nothing below the directory can match. */
  mayMatchBelow(directory: string): boolean;
}

/**
 * Reads a pattern relative to a root.
 * @param names absolute paths of the root; an absolute pattern below one of them is made relative.
 * @param repositories `all`: it takes `.git` also where it does not name it.
 */
export function pathPattern(text: string, names: readonly string[], repositories?: 'all'): PathPattern | 'outside' {
  const glob = relativeGlob(text, names);
  if (glob === undefined) return 'outside';
  const segments = glob === '' ? [] : glob.split('/');
  const hasBraces = glob.includes('{');
  const steps = segments.map((segment) =>
    segment === '**' ? 'any depth' : compileGlob(segment, { dialect: 'doublestar' }),
  );
  const prefix = staticPrefix(glob);
  const anyDepth = steps.indexOf('any depth');
  return {
    text,
    glob,
    takesGit: repositories === 'all' || segments.includes('.git'),
    matches: compileGlob(glob, { dialect: 'doublestar' }),
    mayMatchBelow: (directory) => {
      if (!agrees(prefix, directory)) return false;
      // Braces may hold slashes, so segments mean little.
      if (hasBraces) return true;
      const names = directory.split('/');
      if (anyDepth < 0 && names.length >= steps.length) return false;
      for (const [index, name] of names.entries()) {
        const step = steps[index];
        if (step === 'any depth' || step === undefined) return true;
        if (!step(name)) return false;
      }
      return true;
    },
  };
}

/** One of the two lies above the other, or they are the same. */
function agrees(prefix: string, directory: string): boolean {
  if (prefix === '' || prefix === directory) return true;
  return prefix.startsWith(`${directory}/`) || directory.startsWith(`${prefix}/`);
}

/** Resolves `.`, `..` and absolute paths; undefined when the pattern leads outside. */
function relativeGlob(text: string, names: readonly string[]): string | undefined {
  let glob = text.trim().replaceAll(/\/{2,}/g, '/');
  if (glob === '') return undefined;
  if (glob.startsWith('/')) {
    const name = names
      .map((each) => each.replace(/\/+$/, ''))
      .find((each) => glob === each || glob.startsWith(`${each}/`));
    if (name === undefined) return undefined;
    glob = glob.slice(name.length + 1);
  }
  const kept: string[] = [];
  for (const segment of glob.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment !== '..') kept.push(segment);
    else if (kept.pop() === undefined) return undefined;
  }
  return kept.join('/');
}

/** Several texts at once: the patterns among them, and the texts that lead outside, both in order. */
export function pathPatterns(
  texts: readonly string[],
  names: readonly string[],
  repositories?: 'all',
): { readonly patterns: readonly PathPattern[]; readonly outside: readonly string[] } {
  const patterns: PathPattern[] = [];
  const outside: string[] = [];
  for (const text of texts) {
    const pattern = pathPattern(text, names, repositories);
    if (pattern === 'outside') outside.push(text);
    else patterns.push(pattern);
  }
  return { patterns, outside };
}
