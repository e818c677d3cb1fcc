import type { Scalar } from '../../syntax/node.ts';

/** A value of an expression, or of a pipeline value. */
export type Value = Scalar;

/** What is wrong with an expression, at an offset into its text. */
export class ExpressionError extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

interface Token {
  readonly kind: 'word' | 'text' | 'number' | 'operator' | 'end';
  readonly text: string;
  readonly at: number;
}

const tokenForm =
  /\s+|(?<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<number>-?\d+(?:\.\d+)?)|(?<operator>==|!=|>=|<=|>|<|\(|\))|(?<word>[A-Za-z_][\w.-]*)/y;

function tokens(source: string): readonly Token[] {
  const found: Token[] = [];
  tokenForm.lastIndex = 0;
  while (tokenForm.lastIndex < source.length) {
    const at = tokenForm.lastIndex;
    const match = tokenForm.exec(source);
    if (match === null) throw new ExpressionError(`\`${source[at]}\` has no meaning here`, at);
    const [kind] = Object.entries(match.groups!).find(([, text]) => text !== undefined) ?? [];
    if (kind !== undefined) found.push({ kind: kind as Token['kind'], text: match[0], at });
  }
  found.push({ kind: 'end', text: '', at: source.length });
  return found;
}

const maxDepth = 100;

/**
 * Evaluates one of CircleCI's expressions: `pipeline.git.branch == "main" and not pipeline.parameters.quick`.
 * `not` binds tightest, then comparisons, `and`, `or`. Values of different types are never equal.
 * Source: https://circleci.com/docs/reference/configuration-reference/#using-expressions-in-your-configuration
 * @param lookup the value of a dotted name; undefined: there is none of this name.
 * @throws ExpressionError with the place of what is wrong.
 */
export function evaluateExpression(source: string, lookup: (name: string) => Value | undefined): Value {
  const list = tokens(source);
  let position = 0;
  let depth = 0;
  const peek = (): Token => list[position]!;
  const take = (): Token => list[position++]!;
  const isWord = (word: string): boolean => peek().kind === 'word' && peek().text === word;

  const either = (operand: () => Value, word: 'and' | 'or'): Value => {
    let left = operand();
    while (isWord(word)) {
      take();
      const right = operand();
      left = word === 'and' ? isTruthy(left) && isTruthy(right) : isTruthy(left) || isTruthy(right);
    }
    return left;
  };
  const any = (): Value => either(() => either(comparison, 'and'), 'or');

  function comparison(): Value {
    const left = unary();
    const operator = peek();
    if (operator.text === 'starts-with' && operator.kind === 'word') {
      take();
      return startsWith(left, unary(), operator);
    }
    if (operator.kind !== 'operator' || operator.text === '(' || operator.text === ')') return left;
    take();
    return compare(left, unary(), operator);
  }

  function unary(): Value {
    if (!isWord('not')) return primary();
    deeper(take());
    const value = !isTruthy(unary());
    depth--;
    return value;
  }

  function primary(): Value {
    const token = take();
    switch (token.kind) {
      case 'text':
        return token.text.slice(1, -1).replace(/\\(.)/g, '$1');
      case 'number':
        return Number(token.text);
      case 'word':
        return named(token, lookup);
      case 'operator':
        if (token.text === '(') return parenthesised(token);
    }
    throw new ExpressionError(
      token.kind === 'end' ? 'a value is missing at the end' : `\`${token.text}\` stands where a value must`,
      token.at,
    );
  }

  function parenthesised(open: Token): Value {
    deeper(open);
    const value = any();
    if (take().text !== ')') throw new ExpressionError('this parenthesis is not closed', open.at);
    depth--;
    return value;
  }

  function deeper({ at }: Token): void {
    if (++depth > maxDepth) throw new ExpressionError(`nested deeper than ${maxDepth} levels`, at);
  }

  const value = any();
  const rest = peek();
  if (rest.kind !== 'end') throw new ExpressionError(`\`${rest.text}\` stands where an operator must`, rest.at);
  return value;
}

function named({ text, at }: Token, lookup: (name: string) => Value | undefined): Value {
  if (text === 'true' || text === 'false') return text === 'true';
  const value = lookup(text);
  if (value === undefined) throw new ExpressionError(`there is no \`${text}\``, at);
  return value;
}

function startsWith(left: Value, right: Value, { at }: Token): boolean {
  if (typeof left !== 'string' || typeof right !== 'string') {
    throw new ExpressionError('`starts-with` compares two texts', at);
  }
  return left.startsWith(right);
}

function compare(left: Value, right: Value, { text, at }: Token): boolean {
  if (text === '==') return left === right;
  if (text === '!=') return left !== right;
  if (typeof left !== 'number' || typeof right !== 'number') {
    throw new ExpressionError(`\`${text}\` compares two numbers`, at);
  }
  if (text === '>=') return left >= right;
  if (text === '>') return left > right;
  return text === '<=' ? left <= right : left < right;
}

/** False are: false, null, 0, NaN and the empty text. Source: https://circleci.com/docs/reference/configuration-reference/#logic-statements */
export function isTruthy(value: Value): boolean {
  return value !== false && value !== null && value !== 0 && value !== '' && !Number.isNaN(value);
}
