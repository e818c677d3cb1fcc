import type { Span } from '../../diagnostics/diagnostic.ts';
import type { MapEntry, Node, ScalarNode } from '../../syntax/node.ts';
import { didYouMean } from '../../util/nearest.ts';
import { ExpressionError, evaluateExpression, isTruthy, type Value } from './expression.ts';
import { entry, kindOf, map, problem, type Reading, scalar, seq } from './reading.ts';
import { lookUp, namesIn, type Scope } from './scope.ts';

/** `\<<` is a literal `<<`; a tag ends at the first `>>`, on whatever line. */
const tagForm = /\\<<|<<\s*((?:[^<>]|<(?!<)|>(?!>))*?)\s*>>|<</g;

const nameForm = /^(?:parameters|pipeline|matrix)(?:\.[\w-]+)+$/;

/**
 * A node with every `<< … >>` filled in. A tag that is the whole value keeps the type of what it names; in a longer
 * text it becomes text. Nodes without a tag are given back as they are.
 * Source: https://circleci.com/docs/guides/orchestrate/reusing-config/#using-parameters
 */
export function interpolate(node: Node, scope: Scope, reading: Reading): Node {
  if (scope.isLiteral) return node;
  switch (node.kind) {
    case 'scalar':
      return typeof node.value === 'string' && node.value.includes('<<') ? fillScalar(node, scope, reading) : node;
    case 'seq': {
      const items = node.items.map((item) => interpolate(item, scope, reading));
      return items.every((item, index) => item === node.items[index]) ? node : seq(items, node.span);
    }
    case 'map': {
      const entries = [...node.entries.values()].map((each) => fillEntry(each, scope, reading));
      const isSame = entries.every((each) => node.entries.get(each.key) === each);
      return isSame ? node : map(entries, node.span);
    }
    case 'reference':
      return node;
  }
}

function fillEntry(each: MapEntry, scope: Scope, reading: Reading): MapEntry {
  const value = interpolate(each.value, scope, reading);
  const key = each.key.includes('<<') ? fillText(each.key, each.keySpan, scope, reading) : each.key;
  return value === each.value && key === each.key ? each : entry(key, value, each.keySpan);
}

function fillScalar(node: ScalarNode, scope: Scope, reading: Reading): Node {
  const [first, second] = node.text.matchAll(tagForm);
  const isWhole = first?.[1] !== undefined && second === undefined && first[0] === node.text.trim();
  if (isWhole) {
    const found = tagValue(first[1]!, node.span, scope, reading);
    if (found === undefined) return node;
    return found.kind === 'scalar' ? { ...found, span: node.span } : found;
  }
  const text = fillText(node.text, node.span, scope, reading);
  return text === node.text ? node : scalar(text, node.span);
}

/** `<<#name>>…<</name>>` stays where the name is true, `<<^name>>…<</name>>` where it is not; seen in real files. */
const sectionForm = /<<\s*([#^])\s*([\w.-]+)\s*>>([\s\S]*?)<<\s*\/\s*\2\s*>>/g;

function fillText(text: string, span: Span, scope: Scope, reading: Reading): string {
  const decided = text.replace(sectionForm, (_, kind: string, name: string, inner: string) => {
    const value = named(name, span, scope, reading);
    const isTrue = value?.kind === 'scalar' ? isTruthy(value.value) : value !== undefined;
    return isTrue === (kind === '#') ? inner : '';
  });
  return decided.replace(tagForm, (tag, inner: string | undefined) => {
    if (tag === '\\<<') return '<<';
    if (inner === undefined) return unescaped(tag, span, reading);
    const value = tagValue(inner, span, scope, reading);
    if (value === undefined) return tag;
    if (value.kind === 'scalar') return value.text;
    problem(reading, 'circle/wrong-type', span, `\`${inner}\` is ${kindOf(value)} and can't be part of a text`);
    return tag;
  });
}

/** The value of what stands between `<<` and `>>`; undefined: none, which was told where it matters. */
function tagValue(inner: string, span: Span, scope: Scope, reading: Reading): Node | undefined {
  if (nameForm.test(inner)) return named(inner, span, scope, reading);
  if (!/\b(?:pipeline|parameters|matrix)\./.test(inner)) {
    unescaped(`<< ${inner} >>`, span, reading);
    return undefined;
  }
  try {
    const value = evaluateExpression(inner, (name) => scalarOf(lookUp(scope, name)));
    return scalar(value, span);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    problem(reading, 'circle/expression', span, `the expression \`${inner}\` is wrong: ${error.message}`);
    return undefined;
  }
}

function scalarOf(node: Node | undefined): Value | undefined {
  return node?.kind === 'scalar' ? node.value : undefined;
}

function named(name: string, span: Span, scope: Scope, reading: Reading): Node | undefined {
  const value = lookUp(scope, name);
  if (value !== undefined) return value;
  const hint = didYouMean(name, namesIn(scope)) ?? missingHint(name, scope);
  problem(
    reading,
    'circle/unknown-parameter',
    span,
    `there is no \`${name}\` here`,
    hint === undefined ? {} : { hint },
  );
  return undefined;
}

function missingHint(name: string, scope: Scope): string | undefined {
  if (name.startsWith('parameters.')) {
    if (scope.parameters === undefined)
      return 'outside of commands, jobs and executors write `pipeline.parameters.NAME`';
    return 'declare it under `parameters` of the same command, job or executor, and pass it where that is used';
  }
  if (name.startsWith('pipeline.parameters.')) return 'declare it under `parameters` at the top of the file';
  return name.startsWith('matrix.') ? 'only the entry of a workflow that has a `matrix` knows its values' : undefined;
}

function unescaped(tag: string, span: Span, reading: Reading): string {
  reading.report({
    code: 'circle/unescaped-tag',
    severity: 'warning',
    message: `\`${tag}\` is not a parameter and stays as it is`,
    span,
    hint: 'CircleCI wants `\\<<` for a literal `<<`, as in a here-document',
  });
  return tag;
}
