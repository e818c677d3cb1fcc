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
  const list = expressionTokens(source);
  const names: { name: string; at: number }[] = [];
  let position = 0;
  let depth = 0;
  const peek = (): ExpressionToken => list[position]!;
  const take = (): ExpressionToken => list[position++]!;

  function chain(operand: () => Evaluate, operators: Readonly<Record<string, Operator>>): Evaluate {
    let left = operand();
    for (let token = peek(); token.kind === 'operator' && Object.hasOwn(operators, token.text); token = peek()) {
      take();
      const operator = operators[token.text]!;
      const [first, second] = [left, operand()];
      left = (lookup) =>
        operator(
          () => first(lookup),
          () => second(lookup),
          token,
        );
    }
    return left;
  }
  const comparison = (): Evaluate => chain(unary, comparisons);
  const equality = (): Evaluate => chain(comparison, equalities);
  const any = (): Evaluate => chain(() => chain(equality, { and }), { or });

  function unary(): Evaluate {
    if (peek().kind !== 'operator' || peek().text !== 'not') return primary();
    deeper(take());
    const operand = unary();
    depth--;
    return (lookup) => !isTruthy(operand(lookup));
  }

  function primary(): Evaluate {
    const token = take();
    switch (token.kind) {
      case 'value':
        return () => token.value;
      case 'pattern':
        return () => token.text;
      case 'name':
        names.push({ name: token.text, at: token.at });
        return (lookup) => named(token, lookup);
      case 'operator':
        if (token.text === '(') return parenthesised(token);
    }
    const message =
      token.kind === 'end' ? 'a value is missing at the end' : `\`${token.text}\` stands where a value must`;
    throw new ExpressionError(message, token.at);
  }

  function parenthesised(open: ExpressionToken): Evaluate {
    deeper(open);
    const inner = any();
    if (take().text !== ')') throw new ExpressionError('this parenthesis is not closed', open.at);
    depth--;
    return inner;
  }

  function deeper({ at }: ExpressionToken): void {
    if (++depth > maxDepth) throw new ExpressionError(`nested deeper than ${maxDepth} levels`, at);
  }

  const evaluate = any();
  const rest = peek();
  if (rest.kind !== 'end') throw new ExpressionError(`\`${rest.text}\` stands where an operator must`, rest.at);
  return { names, evaluate };
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

/** False are: false, null, 0, NaN and the empty text. Source: https://circleci.com/docs/reference/configuration-reference/#logic-statements */
export function isTruthy(value: Value): boolean {
  return value !== false && value !== null && value !== 0 && value !== '' && !Number.isNaN(value);
}
