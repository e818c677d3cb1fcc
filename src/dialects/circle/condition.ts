import { compileUserRegex } from '../../expressions/user-regex.ts';
import type { MapEntry, Node } from '../../syntax/node.ts';
import { toValue } from '../../syntax/node.ts';
import { ExpressionError, evaluateExpression, isTruthy } from './expression.ts';
import { interpolate } from './interpolate.ts';
import { booleanOf } from './parameters.ts';
import { field, itemsOf, kindOf, problem, type Reading, textOf } from './reading.ts';
import { lookUp, type Scope } from './scope.ts';

const maxDepth = 100;

/**
 * Does a condition of `when` or `unless` hold? A value, a logic statement (`and`, `or`, `not`, `equal`, `matches`), or
 * an expression without `<< >>`. What is wrong is told, and doesn't hold.
 * Source: https://circleci.com/docs/reference/configuration-reference/#logic-statements
 */
export function holds(condition: Node, scope: Scope, reading: Reading, depth = 0): boolean {
  if (depth > maxDepth) {
    problem(reading, 'circle/condition', condition.span, `the condition is nested deeper than ${maxDepth} levels`);
    return false;
  }
  if (condition.kind !== 'map') return holdsValue(condition, scope, reading);
  const [only, second] = [...condition.entries.values()];
  // A statement without arguments is false.
  if (only === undefined) return false;
  if (second !== undefined) {
    const message = 'a condition is one statement; put several under `and` or `or`';
    problem(reading, 'circle/condition', second.keySpan, message);
    return false;
  }
  const inner = (node: Node): boolean => holds(node, scope, reading, depth + 1);
  switch (only.key) {
    case 'and':
      return statements(only, reading).map(inner).every(Boolean);
    case 'or':
      return statements(only, reading).map(inner).some(Boolean);
    case 'not':
      return !inner(only.value);
    case 'equal':
      return areEqual(statements(only, reading), scope, reading);
    case 'matches':
      return matches(only, scope, reading);
    default: {
      const hint = 'statements are and, or, not, equal, matches';
      problem(reading, 'circle/condition', only.keySpan, `there is no statement \`${only.key}\``, { hint });
      return false;
    }
  }
}

function statements({ key, value, keySpan }: MapEntry, reading: Reading): readonly Node[] {
  const items = itemsOf(value);
  if (items.length === 0) problem(reading, 'circle/condition', keySpan, `\`${key}\` wants a list that is not empty`);
  return items;
}

function holdsValue(node: Node, scope: Scope, reading: Reading): boolean {
  if (node.kind === 'scalar' && typeof node.value === 'string' && isExpression(node.text)) {
    try {
      return isTruthy(
        evaluateExpression(node.text, (name) => {
          const value = lookUp(scope, name);
          return value?.kind === 'scalar' ? value.value : undefined;
        }),
      );
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      problem(reading, 'circle/expression', node.span, `the expression is wrong: ${error.message}`);
      return false;
    }
  }
  const value = interpolate(node, scope, reading);
  if (value.kind === 'seq') return value.items.length > 0;
  return value.kind === 'scalar' && isTruthy(value.value);
}

/** A text is an expression when it names a pipeline value without brackets. */
function isExpression(text: string): boolean {
  return !text.includes('<<') && /(?:^|[\s(])pipeline\.[\w.-]+/.test(text);
}

function areEqual(nodes: readonly Node[], scope: Scope, reading: Reading): boolean {
  const values = nodes.map((node) => JSON.stringify(comparable(interpolate(node, scope, reading))));
  return values.length > 0 && values.every((value) => value === values[0]);
}

/** Words of YAML 1.1 and texts of numbers are compared as they were written. */
function comparable(node: Node): unknown {
  return node.kind === 'scalar' ? (booleanOf(node) ?? node.value) : toValue(node);
}

function matches({ value, keySpan }: MapEntry, scope: Scope, reading: Reading): boolean {
  const pattern = field(value, 'pattern')?.value;
  const subject = value.kind === 'map' ? value.entries.get('value')?.value : undefined;
  if (pattern === undefined || subject === undefined) {
    problem(reading, 'circle/condition', keySpan, '`matches` wants `pattern` and `value`');
    return false;
  }
  const filled = interpolate(pattern, scope, reading);
  const text = interpolate(subject, scope, reading);
  const source = textOf(filled);
  if (source === undefined) {
    problem(reading, 'circle/condition', pattern.span, `\`pattern\` must be a text, not ${kindOf(filled)}`);
    return false;
  }
  const regex = compileUserRegex(source);
  if (regex.kind === 'invalid') {
    problem(reading, 'circle/regex', pattern.span, `the pattern \`${source}\` is wrong: ${regex.message}`);
    return false;
  }
  return regex.test(textOf(text) ?? '');
}
