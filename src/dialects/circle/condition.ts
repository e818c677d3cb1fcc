import { compileUserRegex } from '../../expressions/user-regex.ts';
import type { MapEntry, Node, ScalarNode } from '../../syntax/node.ts';
import { toValue } from '../../syntax/node.ts';
import { type Expression, isTruthy, readExpression } from './expression.ts';
import { ExpressionError } from './expression-tokens.ts';
import { interpolate } from './interpolate.ts';
import { booleanOf } from './parameters.ts';
import { placeInText } from './place-in-text.ts';
import { field, itemsOf, kindOf, problem, type Reading, textOf } from './reading.ts';
import type { Scope } from './scope.ts';
import { evaluate, reportExpression } from './tag-value.ts';

const maxDepth = 100;

/** Whose condition it is: a workflow's (and filters of its jobs), where each text is an expression, or a step's. */
export type ConditionOf = 'workflow' | 'step';

/** What a condition is judged with. */
export interface Judging {
  readonly of: ConditionOf;
  readonly scope: Scope;
  readonly reading: Reading;
}

/**
 * Does a condition of `when` or `unless` hold? A value, a logic statement (`and`, `or`, `not`, `equal`, `matches`), or
 * an expression without `<< >>`. What is wrong is told, and doesn't hold.
 * Source: https://circleci.com/docs/reference/configuration-reference/#logic-statements
 */
export function holds(condition: Node, judging: Judging, depth = 0): boolean {
  const { reading } = judging;
  if (depth > maxDepth) {
    problem(reading, 'circle/condition', condition.span, `the condition is nested deeper than ${maxDepth} levels`);
    return false;
  }
  if (condition.kind !== 'map') return holdsValue(condition, judging);
  const [only, second] = [...condition.entries.values()];
  // A statement without arguments is false.
  if (only === undefined) return false;
  if (second !== undefined) {
    const message = 'a condition is one statement';
    const hint = 'put several under `and` or `or`';
    problem(reading, 'circle/condition', second.keySpan, message, { hint });
    return false;
  }
  return holdsStatement(only, judging, depth);
}

function holdsStatement(only: MapEntry, judging: Judging, depth: number): boolean {
  // What stands inside of a statement is a value and no expression.
  const inner = (node: Node): boolean => holds(node, { ...judging, of: 'step' }, depth + 1);
  switch (only.key) {
    case 'and':
      return statements(only, judging).map(inner).every(Boolean);
    case 'or':
      return statements(only, judging).map(inner).some(Boolean);
    case 'not':
      return !inner(only.value);
    case 'equal':
      return areEqual(statements(only, judging), judging);
    case 'matches':
      return matches(only, judging);
    default: {
      const hint = 'statements are and, or, not, equal, matches';
      problem(judging.reading, 'circle/condition', only.keySpan, `there is no statement \`${only.key}\``, { hint });
      return false;
    }
  }
}

function statements({ key, value, keySpan }: MapEntry, { scope, reading }: Judging): readonly Node[] {
  const items = itemsOf(value.kind === 'scalar' ? interpolate(value, scope, reading) : value);
  if (items.length > 0) return items;
  const hint = `write it as \`${key}: [ … ]\``;
  problem(reading, 'circle/condition', keySpan, `\`${key}\` wants a list that is not empty`, { hint });
  return items;
}

function holdsValue(node: Node, judging: Judging): boolean {
  const { scope, reading } = judging;
  if (node.kind === 'seq') {
    const hint = 'write one statement, such as `equal: [a, b]`';
    problem(reading, 'circle/condition', node.span, `a condition can't be ${kindOf(node)}`, { hint });
    return false;
  }
  if (node.kind === 'scalar' && isExpressionText(node, judging)) return holdsExpression(node, judging);
  warnOfComparison(node, judging);
  const value = interpolate(node, scope, reading);
  if (value.kind === 'seq') return value.items.length > 0;
  if (value.kind === 'map') return value.entries.size > 0;
  return value.kind === 'scalar' && isTruthy(isWritten(value, node) ? (booleanOf(value) ?? value.value) : value.value);
}

/** A word of YAML 1.1 is a boolean where it is written, and a text where a parameter gives it. */
function isWritten(value: ScalarNode, node: Node): boolean {
  return value === node;
}

function isExpressionText({ value, text, span }: ScalarNode, { scope, reading }: Judging): boolean {
  if (scope.isLiteral || typeof value !== 'string' || text.trim() === '' || text.includes('<<')) return false;
  const first = reading.sources?.get(span.file)?.[span.start];
  const isQuoted = first === '"' || first === "'";
  return isQuoted || booleanOf({ kind: 'scalar', value, text, span }) === undefined;
}

function holdsExpression(node: ScalarNode, { of, scope, reading }: Judging): boolean {
  const source = reading.sources?.get(node.span.file);
  const asking = { scope, reading, place: placeInText(node.text, node.span, source) };
  let expression: Expression;
  try {
    expression = readExpression(node.text);
  } catch (error) {
    if (of === 'step') return warnOfText(node, reading);
    const start = error instanceof ExpressionError ? Math.min(error.at, node.text.length - 1) : 0;
    reportExpression(error, node.text, { start, end: start + 1 }, asking);
    return false;
  }
  // `always` is a text that is true, as the service sees it; `a.b` is a name.
  if (of === 'step' && expression.names.some(({ name }) => !name.includes('.'))) return warnOfText(node, reading);
  if (of === 'step' && expression.names.length === 0) return isTruthy(evaluateConstant(expression));
  const value = evaluate(expression, node.text, { start: 0, end: node.text.length }, asking);
  return value?.kind === 'scalar' && isTruthy(value.value);
}

function evaluateConstant(expression: Expression): ReturnType<Expression['evaluate']> {
  try {
    return expression.evaluate(() => undefined);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return true;
  }
}

function warnOfText({ text, span }: ScalarNode, reading: Reading): boolean {
  reading.report({
    code: 'circle/condition',
    severity: 'warning',
    message: `the condition \`${text.length > 60 ? `${text.slice(0, 57)}…` : text.trim()}\` is a text and always true`,
    span,
    hint: 'variables are not known yet: compare parameters and values of the pipeline, as in `equal: [a, << … >>]`',
  });
  return true;
}

/** `<< … >> == "x"`: what stands beside a tag makes a text of the whole, which is true. */
function warnOfComparison(node: Node, { reading }: Judging): void {
  if (node.kind !== 'scalar' || !node.text.includes('<<')) return;
  const beside = node.text.replace(/<<[^<>]*>>/g, '');
  if (!/[<>]|[=!]=/.test(beside)) return;
  reading.report({
    code: 'circle/condition',
    severity: 'warning',
    message: 'the comparison is never made: with `<< >>` in it the condition is a text, and always true',
    span: node.span,
    hint: 'write `equal: [a, << … >>]`, or the whole comparison without `<< >>`',
  });
}

function areEqual(nodes: readonly Node[], { scope, reading }: Judging): boolean {
  const values = nodes.map((node) => JSON.stringify(comparable(interpolate(node, scope, reading))));
  return values.length > 0 && values.every((value) => value === values[0]);
}

/** Words of YAML 1.1 and texts of numbers are compared as they were written. */
function comparable(node: Node): unknown {
  return node.kind === 'scalar' ? (booleanOf(node) ?? node.value) : toValue(node);
}

function matches({ value, keySpan }: MapEntry, { scope, reading }: Judging): boolean {
  const pattern = field(value, 'pattern')?.value;
  const subject = value.kind === 'map' ? value.entries.get('value')?.value : undefined;
  if (pattern === undefined || subject === undefined) {
    problem(reading, 'circle/condition', keySpan, '`matches` wants `pattern` and `value`');
    return false;
  }
  const filled = interpolate(pattern, scope, reading);
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
  const text = interpolate(subject, scope, reading);
  if (text !== subject && text.kind === 'scalar' && text.value !== null && typeof text.value !== 'string') {
    const hint = 'compare it with `equal`';
    const message = `\`matches\` wants a text for \`value\`, not ${kindOf(text)}`;
    problem(reading, 'circle/condition', subject.span, message, { hint });
  }
  return regex.test(textOf(text) ?? '');
}
