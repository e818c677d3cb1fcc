import { compileWholeMatch } from '../../expressions/whole-match.ts';
import type { Scalar } from '../../syntax/node.ts';
import { ExpressionError, type ExpressionToken, expressionTokens } from './expression-tokens.ts';

/** A value of an expression, or of a pipeline value; null: it is known and not set. */
export type Value = Scalar;

/** A value by its dotted name; undefined: there is none of this name. */
export type LookUp = (name: string) => Value | undefined;

/** An expression that was read. */
export interface Expression {
  /** The names that it uses, with their places. */
  readonly names: readonly { readonly name: string; readonly at: number }[];
  /** @throws ExpressionError where a name is not known or a value is of the wrong type. */
  readonly evaluate: (lookup: LookUp) => Value;
}

type Evaluate = (lookup: LookUp) => Value;

const maxDepth = 100;

/**
 * Reads one of CircleCI's expressions: `pipeline.git.branch == "main" and not pipeline.parameters.quick`. `not` binds
 * tightest, then `>` and its like, then `==`, `!=`, `starts-with`, `contains`, `matches`, then `and`, `or`.
 * Source: https://github.com/CircleCI-Public/expr
 * @throws ExpressionError with the place of what is wrong.
 */
export function readExpression(source: string): Expression {
  const reader: Reader = { tokens: expressionTokens(source), names: [], position: 0, depth: 0 };
  const evaluate = readAny(reader);
  const rest = peek(reader);
  if (rest.kind !== 'end') throw new ExpressionError(`\`${rest.text}\` stands where an operator must`, rest.at);
  return { names: reader.names, evaluate };
}

interface Reader {
  readonly tokens: readonly ExpressionToken[];
  readonly names: { readonly name: string; readonly at: number }[];
  /** Of the next token. */
  position: number;
  depth: number;
}

type ReadOperand = (reader: Reader) => Evaluate;

function peek({ tokens, position }: Reader): ExpressionToken {
  return tokens[position]!;
}

function take(reader: Reader): ExpressionToken {
  return reader.tokens[reader.position++]!;
}

/** Operands with operators of one level between them, from left to right. */
function chainOf(readOperand: ReadOperand, operators: Readonly<Record<string, Operator>>): ReadOperand {
  return (reader) => {
    let left = readOperand(reader);
    for (let token = peek(reader); isOneOf(token, operators); token = peek(reader)) {
      take(reader);
      left = applied(operators[token.text]!, token, left, readOperand(reader));
    }
    return left;
  };
}

function isOneOf({ kind, text }: ExpressionToken, operators: Readonly<Record<string, Operator>>): boolean {
  return kind === 'operator' && Object.hasOwn(operators, text);
}

function applied(operator: Operator, token: ExpressionToken, left: Evaluate, right: Evaluate): Evaluate {
  return (lookup) =>
    operator(
      () => left(lookup),
      () => right(lookup),
      token,
    );
}

function readUnary(reader: Reader): Evaluate {
  const { kind, text } = peek(reader);
  if (kind !== 'operator' || text !== 'not') return readPrimary(reader);
  deeper(reader, take(reader));
  const operand = readUnary(reader);
  reader.depth--;
  return (lookup) => !isTruthy(operand(lookup));
}

function readPrimary(reader: Reader): Evaluate {
  const token = take(reader);
  switch (token.kind) {
    case 'value':
      return () => token.value;
    case 'pattern':
      return () => token.text;
    case 'name':
      reader.names.push({ name: token.text, at: token.at });
      return (lookup) => named(token, lookup);
    case 'operator':
      if (token.text === '(') return readParenthesised(reader, token);
  }
  const message =
    token.kind === 'end' ? 'a value is missing at the end' : `\`${token.text}\` stands where a value must`;
  throw new ExpressionError(message, token.at);
}

function readParenthesised(reader: Reader, open: ExpressionToken): Evaluate {
  deeper(reader, open);
  const inner = readAny(reader);
  if (take(reader).text !== ')') throw new ExpressionError('this parenthesis is not closed', open.at);
  reader.depth--;
  return inner;
}

function deeper(reader: Reader, { at }: ExpressionToken): void {
  if (++reader.depth > maxDepth) throw new ExpressionError(`nested deeper than ${maxDepth} levels`, at);
}

/** Reads and evaluates an expression. @throws ExpressionError */
export function evaluateExpression(source: string, lookup: LookUp): Value {
  return readExpression(source).evaluate(lookup);
}

function named({ text, at }: ExpressionToken, lookup: LookUp): Value {
  const value = lookup(text);
  if (value === undefined) throw new ExpressionError(`there is no \`${text}\``, at);
  return value;
}

type Operator = (left: () => Value, right: () => Value, token: ExpressionToken) => Value;

/** What is not set stays so, in place of a verdict. */
const and: Operator = (left, right) => {
  const value = left();
  return isTruthy(value) ? right() : value;
};

const or: Operator = (left, right) => {
  const value = left();
  return isTruthy(value) ? value : right();
};

/** With a value that is not set nothing can be compared: that is not set, too, and counts as false. */
function comparing(compare: (left: Scalar, right: Scalar, token: ExpressionToken) => boolean): Operator {
  return (left, right, token) => {
    const [a, b] = [left(), right()];
    return a === null || b === null ? null : compare(a, b, token);
  };
}

function numeric(compare: (left: number, right: number) => boolean): Operator {
  return comparing((left, right, { text, at }) => {
    if (typeof left === 'number' && typeof right === 'number') return compare(left, right);
    throw new ExpressionError(`\`${text}\` compares two numbers`, at);
  });
}

function textual(compare: (left: string, right: string, token: ExpressionToken) => boolean): Operator {
  return comparing((left, right, token) => {
    if (typeof left === 'string' && typeof right === 'string') return compare(left, right, token);
    throw new ExpressionError(`\`${token.text}\` compares two texts`, token.at);
  });
}

const comparisons: Readonly<Record<string, Operator>> = {
  '>=': numeric((left, right) => left >= right),
  '>': numeric((left, right) => left > right),
  '<=': numeric((left, right) => left <= right),
  '<': numeric((left, right) => left < right),
};

const equalities: Readonly<Record<string, Operator>> = {
  '==': comparing((left, right) => left === right),
  '!=': comparing((left, right) => left !== right),
  'starts-with': textual((left, right) => left.startsWith(right)),
  contains: textual((left, right) => left.includes(right)),
  // The pattern was tried when it was read.
  matches: textual((left, right) => {
    const regex = compileWholeMatch(right);
    return regex.kind === 'regex' && regex.test(left);
  }),
};

/** Operators that bind tighter first. */
const readAny = [comparisons, equalities, { and }, { or }].reduce<ReadOperand>(chainOf, readUnary);

/** False are: false, null, 0, NaN and the empty text. Source: https://circleci.com/docs/reference/configuration-reference/#logic-statements */
export function isTruthy(value: Value): boolean {
  return value !== false && value !== null && value !== 0 && value !== '' && !Number.isNaN(value);
}
