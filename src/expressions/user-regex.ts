import { RE2JS } from 're2js';

/** A regular expression that a user wrote, run by RE2 in time linear in the text. */
export interface UserRegex {
  readonly kind: 'regex';
  /** Does it match anywhere in the text? */
  test(text: string): boolean;
  /** All matches from left to right: the whole match, then its groups (undefined: did not take part). */
  matches(text: string): readonly (readonly (string | undefined)[])[];
}

/** A pattern that RE2 refuses: it is malformed, or needs what RE2 has not (lookaround, back references). */
export interface InvalidRegex {
  readonly kind: 'invalid';
  /** Why, one clause. */
  readonly message: string;
}

/** Compiles a pattern as `compileUserRegex` does; a caller may remember what it compiled. */
export type CompileRegex = (source: string, flags?: string) => UserRegex | InvalidRegex;

/**
 * Compiles RE2 source (without slashes) with flags out of `ismU`, which mean what they mean in RE2: ignore case,
 * dot matches newline, multi-line, ungreedy. Never throws. Source: https://github.com/google/re2/wiki/Syntax
 */
export const compileUserRegex: CompileRegex = (source, flags = '') => {
  let regex: RE2JS;
  try {
    regex = RE2JS.compile(flags === '' ? source : `(?${flags})${source}`);
  } catch (error) {
    return { kind: 'invalid', message: (error as Error).message.replace(/^error parsing regexp: /, '') };
  }
  return {
    kind: 'regex',
    test: (text) => regex.test(text),
    matches: (text) => {
      const all: (string | undefined)[][] = [];
      const matcher = regex.matcher(text);
      while (matcher.find()) {
        const groups: (string | undefined)[] = [];
        for (let i = 0; i <= matcher.groupCount(); i++) groups.push(matcher.group(i) ?? undefined);
        all.push(groups);
      }
      return all;
    },
  };
};

/** `compileUserRegex` that remembers what it compiled, for as long as the caller keeps it. */
export function memoisedCompileRegex(): CompileRegex {
  const known = new Map<string, UserRegex | InvalidRegex>();
  return (source, flags = '') => {
    const key = `${flags}/${source}`;
    const found = known.get(key) ?? compileUserRegex(source, flags);
    known.set(key, found);
    return found;
  };
}

/** Takes `/source/flags` apart, as GitLab does (`\/` becomes `/`); undefined when the text has not that form. */
export function splitPattern(text: string): { readonly source: string; readonly flags: string } | undefined {
  const end = text.lastIndexOf('/');
  if (end < 1 || text[0] !== '/' || text.includes('\n')) return undefined;
  const flags = text.slice(end + 1);
  return /^[ismU]*$/.test(flags) ? { source: text.slice(1, end).replaceAll('\\/', '/'), flags } : undefined;
}

/**
 * What `coverage:` reads from a job's log: lines are tried from the last to the first; in the first that matches, the
 * first number in the last match (in its first group, if it has one) is the result.
 * Source: https://docs.gitlab.com/ci/yaml/#coverage
 * @param pattern RE2 source without slashes.
 * @returns percent, or undefined when nothing matches or the pattern is invalid.
 */
export function matchCoverage(pattern: string, text: string): number | undefined {
  const regex = compileUserRegex(pattern);
  if (regex.kind === 'invalid') return undefined;
  for (let end = text.length; end >= 0; ) {
    const start = end === 0 ? 0 : text.lastIndexOf('\n', end - 1) + 1;
    const last = regex.matches(text.slice(start, end).replace(/\r$/, '')).at(-1);
    const number = last && /\d+(?:\.\d+)?/.exec(last[1] ?? last[0] ?? '');
    if (number) return Number(number[0]);
    end = start - 1;
  }
  return undefined;
}
