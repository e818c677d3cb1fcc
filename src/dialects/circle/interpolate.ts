import type { Span } from '../../diagnostics/diagnostic.ts';
import type { MapEntry, Node, ScalarNode } from '../../syntax/node.ts';
import { isTruthy } from './expression.ts';
import { placeInText } from './place-in-text.ts';
import { entry, kindOf, map, problem, type Reading, scalar, seq } from './reading.ts';
import type { Scope } from './scope.ts';
import { type Asking, valueOfName, valueOfTag } from './tag-value.ts';
import { type Part, readTemplate, type Section, type Tag, type TextRange } from './template.ts';

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
  const filled = interpolate(each.value, scope, reading);
  const value = each.key === 'environment' ? withNil(each.value, filled) : filled;
  const key = each.key.includes('<<') ? fillText(each.key, each.keySpan, scope, reading) : each.key;
  return value === each.value && key === each.key ? each : entry(key, value, each.keySpan);
}

/** A value of the pipeline that is not set shows as `<nil>` in variables. Source: https://circleci.com/docs/guides/orchestrate/pipeline-variables/ */
function withNil(written: Node, filled: Node): Node {
  if (filled === written || filled.kind !== 'map' || written.kind !== 'map') return filled;
  const before = [...written.entries.values()];
  return map(
    [...filled.entries.values()].map((each, index) => {
      const { value } = each;
      const isUnset = value.kind === 'scalar' && value.value === null && value !== before[index]?.value;
      return isUnset ? { ...each, value: scalar('<nil>', value.span) } : each;
    }),
    filled.span,
  );
}

function fillScalar(node: ScalarNode, scope: Scope, reading: Reading): Node {
  const asking = { scope, reading, place: placeInText(node.text, node.span, reading.sources?.get(node.span.file)) };
  const { parts, problem: wrong } = readTemplate(node.text);
  const tag = wrong === undefined ? wholeTag(parts) : undefined;
  if (tag === undefined) {
    const text = wrong === undefined ? textOfParts(parts, asking) : reportProblem(node.text, wrong, asking);
    return text === node.text ? node : scalar(text, node.span);
  }
  const found = valueOfTag(tag.body, tag.at, asking);
  if (found === undefined) return node;
  return found.kind === 'scalar' ? { ...found, span: node.span } : found;
}

/** The one tag that a text consists of, but for blanks around it. */
function wholeTag(parts: readonly Part[]): Tag | undefined {
  const [tag, second] = parts.filter((part) => part.kind !== 'text' || part.text.trim() !== '');
  return tag?.kind === 'tag' && second === undefined ? tag : undefined;
}

function fillText(text: string, span: Span, scope: Scope, reading: Reading): string {
  const asking = { scope, reading, place: placeInText(text, span, reading.sources?.get(span.file)) };
  const { parts, problem: wrong } = readTemplate(text);
  return wrong === undefined ? textOfParts(parts, asking) : reportProblem(text, wrong, asking);
}

function reportProblem(text: string, wrong: { message: string; at: TextRange }, asking: Asking): string {
  reportTemplate(wrong, asking);
  return text;
}

/** Tells what is wrong with the tags of a text. */
export function reportTemplate(wrong: { message: string; at: TextRange }, { reading, place }: Asking): void {
  const hint = 'write `\\<<` for a literal `<<`, as in a here-document';
  problem(reading, 'circle/unescaped-tag', place(wrong.at), wrong.message, { hint });
}

function textOfParts(parts: readonly Part[], asking: Asking): string {
  const { left } = asking.reading;
  const texts = parts.map((part) => {
    const text = textOfPart(part, asking);
    if (left === undefined || left.characters < 0) return left === undefined ? text : '';
    left.characters -= text.length;
    if (left.characters >= 0) return text;
    const at = part.kind === 'text' ? { start: 0, end: 2 } : part.at;
    const hint = 'let commands call fewer others, with shorter texts';
    problem(asking.reading, 'circle/wrong-type', asking.place(at), 'with tags filled in the texts are too long', {
      hint,
    });
    return '';
  });
  return texts.join('');
}

function textOfPart(part: Part, asking: Asking): string {
  if (part.kind === 'text') return part.text;
  return part.kind === 'tag' ? textOfTag(part, asking) : textOfSection(part, asking);
}

function textOfTag({ body, at }: Tag, asking: Asking): string {
  const value = valueOfTag(body, at, asking);
  if (value === undefined) return `<< ${body} >>`;
  if (value.kind === 'scalar') return value.text;
  const message = `\`${body}\` is ${kindOf(value)} and can't be part of a text`;
  problem(asking.reading, 'circle/wrong-type', asking.place(at), message);
  return '';
}

function textOfSection({ name, at, isInverted, parts }: Section, asking: Asking): string {
  const value = valueOfName(name, at, asking);
  const isTrue = value?.kind === 'scalar' ? isTruthy(value.value) : value !== undefined;
  return isTrue === isInverted ? '' : textOfParts(parts, asking);
}
