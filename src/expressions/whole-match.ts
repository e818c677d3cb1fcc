import { compileUserRegex, type InvalidRegex } from './user-regex.ts';

/** Does a regular expression match the whole of a text? */
export interface WholeMatch {
  readonly kind: 'regex';
  test(text: string): boolean;
}

/**
 * Compiles a regular expression that has to match a whole text, as CircleCI's filters do. They are Java's, which may
 * look ahead; RE2, which needs time linear in the text, can't. Looking ahead at the begin (`^(?!main$).*`), which is
 * what people write, is asked as a question of its own. Never throws.
 */
export function compileWholeMatch(source: string): WholeMatch | InvalidRegex {
  const { conditions, rest } = splitLookaheads(source.replace(/^\^/, ''));
  const own = compileUserRegex(rest);
  if (own.kind === 'invalid') return own;
  const whole = compileUserRegex(`^(?:${rest})$`);
  if (whole.kind === 'invalid') return whole;
  const tests: ((text: string) => boolean)[] = [];
  for (const { wanted, inner } of conditions) {
    const ahead = compileUserRegex(`^(?:${inner})`);
    if (ahead.kind === 'invalid') return ahead;
    tests.push((text) => ahead.test(text) === wanted);
  }
  return { kind: 'regex', test: (text) => whole.test(text) && tests.every((test) => test(text)) };
}

interface Lookahead {
  readonly wanted: boolean;
  readonly inner: string;
}

/** Takes `(?!…)` and `(?=…)` off the begin of a pattern. */
function splitLookaheads(source: string): { readonly conditions: readonly Lookahead[]; readonly rest: string } {
  const conditions: Lookahead[] = [];
  let rest = source;
  for (;;) {
    const end = /^\(\?[!=]/.test(rest) ? groupEnd(rest) : -1;
    if (end < 0) return { conditions, rest };
    conditions.push({ wanted: rest[2] === '=', inner: rest.slice(3, end) });
    rest = rest.slice(end + 1);
  }
}

/** Where the group ends that the text begins with; -1: nowhere. */
function groupEnd(text: string): number {
  let depth = 0;
  let isClass = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '\\') at++;
    else if (isClass) isClass = char !== ']';
    else if (char === '[') isClass = true;
    else if (char === '(') depth++;
    else if (char === ')' && --depth === 0) return at;
  }
  return -1;
}
