import { compileWholeMatch } from '../../expressions/whole-match.ts';
import type { Scalar } from '../../syntax/node.ts';

/** What is wrong with an expression, at an offset into its text. */
export class ExpressionError extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

/** One word of an expression. */
export type ExpressionToken =
  | { readonly kind: 'value'; readonly text: string; readonly at: number; readonly value: Scalar }
  | { readonly kind: 'name' | 'operator' | 'pattern' | 'end'; readonly text: string; readonly at: number };

const tokenForm =
  /\s+|(?<text>"(?:[^"\\]|\\[\s\S])*")|(?<pattern>\/(?:[^/\\]|\\[\s\S])*\/)|(?<number>\d+)|(?<sign>==|!=|>=|<=|>|<|\(|\)|!)|(?<word>[A-Za-z][\w-]*(?:\.[\w-]+)*\??)/y;

/** Words that are operators, by how they may be written. */
const operatorWords: Readonly<Record<string, string>> = {
  and: 'and',
  AND: 'and',
  or: 'or',
  OR: 'or',
  not: 'not',
  'starts-with': 'starts-with',
  contains: 'contains',
  matches: 'matches',
};

const maxPattern = 255;

const maxSource = 100_000;

/** Takes an expression apart. @throws ExpressionError */
export function expressionTokens(source: string): readonly ExpressionToken[] {
  if (source.length > maxSource) throw new ExpressionError(`it is longer than ${maxSource} characters`, 0);
  const found: ExpressionToken[] = [];
  tokenForm.lastIndex = 0;
  while (tokenForm.lastIndex < source.length) {
    const at = tokenForm.lastIndex;
    const match = tokenForm.exec(source);
    if (match === null) throw new ExpressionError(unreadable(source, at), at);
    const [kind] = Object.entries(match.groups!).find(([, text]) => text !== undefined) ?? [];
    if (kind !== undefined) found.push(tokenOf(kind, match[0], at));
  }
  found.push({ kind: 'end', text: '', at: source.length });
  return found;
}

function unreadable(source: string, at: number): string {
  const character = String.fromCodePoint(source.codePointAt(at)!);
  if (character === '"') return 'the text that begins here has no end';
  if (character === '/') return 'the pattern that begins here has no end';
  if (character === "'") return 'texts stand in `"`, not in `\'`';
  return `\`${character}\` has no meaning here`;
}

function tokenOf(kind: string, text: string, at: number): ExpressionToken {
  switch (kind) {
    case 'text':
      return { kind: 'value', text, at, value: text.slice(1, -1).replace(/\\(["\\])/g, '$1') };
    case 'number':
      return { kind: 'value', text, at, value: numberOf(text, at) };
    case 'pattern':
      return { kind: 'pattern', text: patternOf(text, at), at };
    case 'sign':
      return { kind: 'operator', text: text === '!' ? 'not' : text, at };
  }
  if (text === 'true' || text === 'false') return { kind: 'value', text, at, value: text === 'true' };
  const operator = Object.hasOwn(operatorWords, text) ? operatorWords[text] : undefined;
  return operator === undefined ? { kind: 'name', text, at } : { kind: 'operator', text: operator, at };
}

function numberOf(text: string, at: number): number {
  if (BigInt(text) > 2n ** 63n - 1n) throw new ExpressionError('the number is too large', at);
  return Number(text);
}

function patternOf(text: string, at: number): string {
  const source = text.slice(1, -1).replaceAll('\\/', '/');
  if (source.length > maxPattern) throw new ExpressionError(`a pattern has at most ${maxPattern} characters`, at);
  const regex = compileWholeMatch(source);
  if (regex.kind !== 'regex') throw new ExpressionError(`the pattern is wrong: ${regex.message}`, at);
  return source;
}
