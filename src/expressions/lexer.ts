import { failed, type Parsed, type Range } from './expression.ts';

/** `input` is `$[[ inputs.x ]]`, `pattern` is `/…/flags`, `comparison` is one of `ComparisonOperator`. */
export type TokenKind =
  | '('
  | ')'
  | 'input'
  | 'variable'
  | 'string'
  | 'pattern'
  | 'null'
  | 'boolean'
  | 'comparison'
  | '&&'
  | '||';

/** A stretch of an expression with its text as written, quotes and slashes included. */
export interface Token extends Range {
  readonly kind: TokenKind;
  readonly text: string;
}

/** GitLab gives up when it has read this many tokens, so an expression has at most one fewer. */
export const maxTokens = 100;

interface Lexeme {
  readonly kind: TokenKind;
  /** Where the token ends that starts at `at`, or -1. */
  readonly scan: (text: string, at: number) => number;
}

function byRegExp(kind: TokenKind, regExp: RegExp): Lexeme {
  return {
    kind,
    scan: (text, at) => {
      const sticky = new RegExp(regExp, 'y');
      sticky.lastIndex = at;
      return sticky.test(text) ? sticky.lastIndex : -1;
    },
  };
}

/** In GitLab's order: the first that fits takes the text. Source: lib/gitlab/ci/pipeline/expression/lexer.rb */
const lexemes: readonly Lexeme[] = [
  byRegExp('(', /\(/),
  byRegExp(')', /\)/),
  byRegExp('input', /\$\[\[\s{0,100}inputs\.[\w/-]+\s{0,100}\]\]/),
  byRegExp('variable', /\$[A-Za-z0-9_]+/),
  byRegExp('string', /"[^"\n]*"|'[^'\n]*'/),
  { kind: 'pattern', scan: scanPattern },
  byRegExp('null', /null/),
  byRegExp('boolean', /\b(?:true|false)\b/),
  byRegExp('comparison', /==|=~|!=|!~/),
  byRegExp('&&', /&&/),
  byRegExp('||', /\|\|/),
];

/** Splits an expression into tokens. Linear in the text; never throws. */
export function tokenize(text: string): Parsed<readonly Token[]> {
  const tokens: Token[] = [];
  const space = /\s*/y;
  for (let at = 0; ; ) {
    space.lastIndex = at;
    space.test(text);
    at = space.lastIndex;
    if (at >= text.length) return { ok: true, value: tokens };
    if (tokens.length === maxTokens - 1) {
      return failed(`the expression has more than ${maxTokens - 1} parts`, { start: at, end: text.length });
    }
    const token = scanToken(text, at);
    if (!token) return unknownToken(text, at);
    tokens.push(token);
    at = token.end;
  }
}

function scanToken(text: string, at: number): Token | undefined {
  for (const { kind, scan } of lexemes) {
    const end = scan(text, at);
    if (end >= 0) return { kind, text: text.slice(at, end), start: at, end };
  }
  return undefined;
}

/**
 * The same extent as GitLab's `\/([^\/]|\\\/)+[^\\]\/[ismU]*`, without backtracking: at least two characters, up to
 * the first slash without a backslash before it, or the slash after that one (its `[^\\]` may be a slash itself).
 */
function scanPattern(text: string, at: number): number {
  if (text[at] !== '/') return -1;
  let slash = at + 1;
  while (slash < text.length && !(text[slash] === '/' && text[slash - 1] !== '\\')) slash++;
  if (slash >= text.length) return -1;
  const length = slash - at - 1;
  let end = slash + 1;
  if (length >= 1 && text[end] === '/') end++;
  else if (length < 2) return -1;
  while (end < text.length && 'ismU'.includes(text[end]!)) end++;
  return end;
}

function unknownToken(text: string, at: number): Parsed<never> {
  const rest = text.slice(at, at + 200);
  const word = /^\$\{\w*\}?|^[^\s()"'$&|=!~/]+|^./su.exec(rest)?.[0] ?? rest;
  const range = { start: at, end: at + word.length };
  if (word.startsWith('${')) {
    const name = word.replace(/[^\w]/g, '');
    return failed('`${…}` is not allowed in an expression', range, `write \`$${name || 'NAME'}\``);
  }
  const first = rest[0]!;
  if (first === '"' || first === "'") {
    return failed(`the string has no closing ${first}`, { start: at, end: text.length });
  }
  if (first === '/') {
    return failed(
      'this is no regular expression',
      range,
      'write `/…/` with at least two characters between the slashes; escape slashes inside as `\\/`',
    );
  }
  if (first === '=') return failed('`=` is no operator', range, 'write `==`');
  if (first === '!') return failed('`!` is no operator', range, 'write `!=` or `!~`');
  if (first === '&' || first === '|') return failed(`\`${first}\` is no operator`, range, `write \`${first}${first}\``);
  if (first === '$') return failed('`$` is not followed by a name', range);
  return failed(`\`${word}\` is not known here`, range, 'strings stand in quotes, variables start with `$`');
}
