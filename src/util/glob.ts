/**
 * `fnmatch`: Ruby's `File.fnmatch` with PATHNAME, DOTMATCH and EXTGLOB, as `rules:changes` and `rules:exists` use it.
 * Only `**` followed by a slash crosses directories; one at the end is a `*`.
 * `doublestar`: the Go library GitLab Runner uses for artifacts and caches. A whole segment `**` crosses directories,
 * also at the end, where it may match nothing (`a` followed by a slash and `**` matches `a`); `./`, `//` and a trailing `/` are cleaned away.
 */
export type GlobDialect = 'fnmatch' | 'doublestar';

/** Longest pattern that is compiled. */
export const maxGlobLength = 4096;
const maxBraceDepth = 10;
const maxAlternatives = 1000;

type Token =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'star' }
  | { readonly kind: 'class'; readonly negated: boolean; readonly ranges: readonly (readonly [number, number])[] };

/** `literal` is set when the segment has no wildcard. */
type Segment =
  | { readonly kind: 'globstar' }
  | { readonly kind: 'name'; readonly tokens: readonly Token[]; readonly literal: string | undefined };

/**
 * Why a pattern is refused (one clause, without a full stop), or undefined if it is fine. A refused pattern matches
 * nothing.
 */
export function globProblem(pattern: string): string | undefined {
  if (pattern.length > maxGlobLength) return `the pattern is longer than ${maxGlobLength} characters`;
  let depth = 0;
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i];
    if (char === '\\') i++;
    else if (char === '{' && ++depth > maxBraceDepth) return `braces are nested deeper than ${maxBraceDepth}`;
    else if (char === '}' && depth > 0) depth--;
  }
  if (expandBraces(pattern) === undefined) return `the braces give more than ${maxAlternatives} alternatives`;
  return undefined;
}

/**
 * Compiles a glob to a test of one path (relative, forward slashes, no leading `./`). Dotfiles match. The time of a
 * test grows with path times pattern at most: there is no backtracking over more than the last wildcard.
 * A malformed or refused pattern (`globProblem`) matches nothing.
 */
export function compileGlob(pattern: string, options: { readonly dialect: GlobDialect }): (path: string) => boolean {
  if (globProblem(pattern) !== undefined) return () => false;
  const alternatives: Segment[][] = [];
  for (const text of expandBraces(pattern) ?? []) {
    const segments = parseSegments(options.dialect === 'doublestar' ? clean(text) : text, options.dialect);
    if (segments) alternatives.push(segments);
  }
  const literals = new Set<string>();
  const wild: Segment[][] = [];
  for (const segments of alternatives) {
    const texts = segments.map((segment) => (segment.kind === 'name' ? segment.literal : undefined));
    if (texts.every((text) => text !== undefined)) literals.add(texts.join('/'));
    else wild.push(segments);
  }
  if (wild.length === 0) return (path) => literals.has(path);
  return (path) => {
    if (literals.has(path)) return true;
    const names = path.split('/');
    return wild.some((segments) => matchSegments(segments, names));
  };
}

/**
 * The directory (or, for a pattern without wildcards, the path) that every match lies in or is: `src/a` for
 * `src/a/*.ts`, `''` for `*.ts`. Escapes are taken away; `./` at the start and a trailing `/` too.
 */
export function staticPrefix(pattern: string): string {
  if (globProblem(pattern) !== undefined) return '';
  const parts: string[] = [];
  for (const segment of clean(pattern).split('/')) {
    if (/[{}]/.test(segment)) break;
    const parsed = parseSegments(segment, 'doublestar')?.[0];
    if (parsed?.kind !== 'name' || parsed.literal === undefined) break;
    parts.push(parsed.literal);
  }
  return parts.join('/');
}

function clean(pattern: string): string {
  return pattern
    .replace(/\/{2,}/g, '/')
    .replace(/^(?:\.\/)+/, '')
    .replace(/(?:\/\.)+(?=\/|$)/g, '')
    .replace(/(.)\/$/, '$1');
}

/** All texts that the braces stand for, in order; undefined when there are too many. Unbalanced braces are literal. */
function expandBraces(pattern: string): readonly string[] | undefined {
  const done: string[] = [];
  const open = [pattern];
  while (open.length > 0) {
    const text = open.pop()!;
    const brace = firstBrace(text);
    if (!brace) done.push(text);
    else {
      const head = text.slice(0, brace.start);
      const tail = text.slice(brace.end + 1);
      for (const part of brace.parts.toReversed()) open.push(head + part + tail);
    }
    if (done.length + open.length > maxAlternatives) return undefined;
  }
  return done;
}

function firstBrace(
  text: string,
): { readonly start: number; readonly end: number; readonly parts: readonly string[] } | undefined {
  let start = -1;
  let depth = 0;
  let from = 0;
  let parts: string[] = [];
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '\\') i++;
    else if (char === '{') {
      if (depth++ === 0) {
        start = i;
        from = i + 1;
        parts = [];
      }
    } else if (depth > 0 && char === ',' && depth === 1) {
      parts.push(text.slice(from, i));
      from = i + 1;
    } else if (depth > 0 && char === '}' && --depth === 0) {
      return { start, end: i, parts: [...parts, text.slice(from, i)] };
    }
  }
  return undefined;
}

/** Undefined: malformed (a `[` that never closes). */
function parseSegments(pattern: string, dialect: GlobDialect): Segment[] | undefined {
  const segments: Segment[] = [];
  let tokens: Token[] = [];
  let start = 0;
  const close = (end: number, last: boolean): void => {
    const globstar = pattern.slice(start, end) === '**' && (dialect === 'doublestar' || !last);
    if (!globstar) segments.push(nameSegment(tokens));
    else if (segments.at(-1)?.kind !== 'globstar') segments.push({ kind: 'globstar' });
    tokens = [];
    start = end + 1;
  };
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!;
    if (char === '/') close(i, false);
    else if (char === '*') {
      if (tokens.at(-1)?.kind !== 'star') tokens.push({ kind: 'star' });
    } else if (char === '?') tokens.push({ kind: 'any' });
    else if (char === '[') {
      const read = parseClass(pattern, i + 1);
      if (!read) return undefined;
      tokens.push(read.token);
      i = read.end;
    } else {
      if (char === '\\' && i + 1 < pattern.length) i++;
      tokens.push({ kind: 'text', text: pattern[i]! });
    }
  }
  close(pattern.length, true);
  return segments;
}

function nameSegment(tokens: readonly Token[]): Segment {
  const merged: Token[] = [];
  for (const token of tokens) {
    const last = merged.at(-1);
    if (token.kind === 'text' && last?.kind === 'text')
      merged[merged.length - 1] = { kind: 'text', text: last.text + token.text };
    else merged.push(token);
  }
  const [only] = merged;
  const literal = merged.length === 0 ? '' : merged.length === 1 && only?.kind === 'text' ? only.text : undefined;
  return { kind: 'name', tokens: merged, literal };
}

function parseClass(pattern: string, from: number): { readonly token: Token; readonly end: number } | undefined {
  let i = from;
  const negated = pattern[i] === '!' || pattern[i] === '^';
  if (negated) i++;
  const ranges: [number, number][] = [];
  const readChar = (): number | undefined => {
    if (pattern[i] === '\\') i++;
    const code = pattern.codePointAt(i);
    if (code !== undefined) i += code > 0xffff ? 2 : 1;
    return code;
  };
  while (i < pattern.length && pattern[i] !== ']') {
    const low = readChar();
    let high = low;
    if (pattern[i] === '-' && i + 1 < pattern.length && pattern[i + 1] !== ']') {
      i++;
      high = readChar();
    }
    if (low === undefined || high === undefined) return undefined;
    ranges.push([low, high]);
  }
  return i < pattern.length ? { token: { kind: 'class', negated, ranges }, end: i } : undefined;
}

function matchSegments(segments: readonly Segment[], names: readonly string[]): boolean {
  let s = 0;
  let n = 0;
  let retrySegment = -1;
  let retryName = 0;
  while (n < names.length) {
    const segment = segments[s];
    if (segment?.kind === 'globstar') {
      retrySegment = ++s;
      retryName = n;
    } else if (segment?.kind === 'name' && matchName(segment, names[n]!)) {
      s++;
      n++;
    } else if (retrySegment >= 0) {
      s = retrySegment;
      n = ++retryName;
    } else return false;
  }
  while (segments[s]?.kind === 'globstar') s++;
  return s === segments.length;
}

function matchName(segment: Segment & { readonly kind: 'name' }, name: string): boolean {
  if (segment.literal !== undefined) return segment.literal === name;
  const { tokens } = segment;
  let t = 0;
  let at = 0;
  let retryToken = -1;
  let retryAt = 0;
  while (at < name.length || t < tokens.length) {
    const token = tokens[t];
    if (token?.kind === 'star') {
      if (t === tokens.length - 1) return true;
      retryToken = ++t;
      retryAt = at;
      continue;
    }
    const width = token === undefined ? -1 : matchToken(token, name, at);
    if (width >= 0) {
      t++;
      at += width;
    } else if (retryToken >= 0 && retryAt < name.length) {
      t = retryToken;
      at = ++retryAt;
    } else return false;
  }
  return true;
}

/** How many code units the token takes at `at`, or -1. */
function matchToken(token: Exclude<Token, { readonly kind: 'star' }>, name: string, at: number): number {
  if (token.kind === 'text') return name.startsWith(token.text, at) ? token.text.length : -1;
  const code = name.codePointAt(at);
  if (code === undefined) return -1;
  const width = code > 0xffff ? 2 : 1;
  if (token.kind === 'any') return width;
  return token.ranges.some(([low, high]) => low <= code && code <= high) !== token.negated ? width : -1;
}
