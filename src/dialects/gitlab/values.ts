import type { Span } from '../../diagnostics/diagnostic.ts';
import type { MapEntry, Node, ScalarNode } from '../../syntax/node.ts';
import { parseDuration } from '../../util/duration.ts';
import { isAbsent } from './merge.ts';
import { invalidValue, type Reading } from './reading.ts';

/** GitLab flattens nested arrays of scripts up to this depth. Source: https://docs.gitlab.com/ci/yaml/#script */
const maxNesting = 10;

/** The entry of a map, unless it is not given. */
export function field(node: Node, key: string): MapEntry | undefined {
  const entry = node.kind === 'map' ? node.entries.get(key) : undefined;
  return entry === undefined || isAbsent(entry.value) ? undefined : entry;
}

/** The items of a list with nested lists (from `!reference` and anchors) flattened; a single value is a list of one. */
export function flatItems(node: Node, what: string, reading: Reading): readonly Node[] {
  if (node.kind === 'reference') return [];
  if (node.kind !== 'seq') return [node];
  const items: Node[] = [];
  let tooDeep: Node | undefined;
  const visit = (nodes: readonly Node[], depth: number): void => {
    for (const item of nodes) {
      if (item.kind === 'reference') continue;
      if (item.kind !== 'seq') items.push(item);
      else {
        if (depth === maxNesting) tooDeep ??= item;
        visit(item.items, depth + 1);
      }
    }
  };
  visit(node.items, 0);
  // What stands there is read all the same, so that nothing else is said about it.
  if (tooDeep) invalidValue(reading, tooDeep.span, `\`${what}\` is nested more than ${maxNesting} lists deep`);
  return items;
}

/** A scalar as text; numbers and booleans as GitLab writes them. */
export function readText(node: Node, what: string, reading: Reading): string | undefined {
  if (node.kind === 'scalar' && node.value !== null) return node.text;
  invalidValue(reading, node.span, `\`${what}\` must be a string, not ${kindOf(node)}`);
  return undefined;
}

/** A string or a (nested) list of strings. Nulls in the list are left out. */
export function readTexts(node: Node, what: string, reading: Reading): readonly string[] {
  const texts: string[] = [];
  for (const item of flatItems(node, what, reading)) {
    if (isAbsent(item)) continue;
    const text = readText(item, what, reading);
    if (text !== undefined) texts.push(text);
  }
  return texts;
}

/** The text below a key of a map. */
export function textField(node: Node, key: string, what: string, reading: Reading): string | undefined {
  const entry = field(node, key);
  return entry && readText(entry.value, what, reading);
}

/** The texts below a key of a map; undefined when the key is absent. */
export function textsField(node: Node, key: string, what: string, reading: Reading): readonly string[] | undefined {
  const entry = field(node, key);
  return entry && readTexts(entry.value, what, reading);
}

/** Holds an input or matrix value that is not known yet: it may become anything, so nothing is said about its form. */
function isUndecided(node: Node): boolean {
  return node.kind === 'reference' || (node.kind === 'scalar' && node.text.includes('$[['));
}

/** A boolean; GitLab's keywords take no strings for it. */
export function readBoolean(node: Node, what: string, reading: Reading): boolean | undefined {
  if (node.kind === 'scalar' && typeof node.value === 'boolean') return node.value;
  if (isUndecided(node)) return undefined;
  invalidValue(reading, node.span, `\`${what}\` must be true or false, not ${kindOf(node)}`);
  return undefined;
}

/** The boolean below a key of a map. */
export function booleanField(node: Node, key: string, what: string, reading: Reading): boolean | undefined {
  const entry = field(node, key);
  return entry && readBoolean(entry.value, what, reading);
}

/** A whole number between two bounds (inclusive). */
export function readInteger(
  node: Node,
  what: string,
  bounds: { readonly least: number; readonly most: number },
  reading: Reading,
): number | undefined {
  const value = node.kind === 'scalar' ? node.value : undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= bounds.least && value <= bounds.most) {
    return value;
  }
  if (isUndecided(node)) return undefined;
  const range = bounds.most === Number.MAX_SAFE_INTEGER ? '' : ` from ${bounds.least} to ${bounds.most}`;
  invalidValue(reading, node.span, `\`${what}\` must be a whole number${range}, not ${kindOf(node)}`);
  return undefined;
}

/** One of a closed list of words. */
export function readWord<W extends string>(
  node: Node,
  what: string,
  words: readonly W[],
  reading: Reading,
): W | undefined {
  const text = node.kind === 'scalar' ? node.text : undefined;
  const word = words.find((candidate) => candidate === text);
  if (word === undefined && !isUndecided(node)) {
    invalidValue(reading, node.span, `\`${what}\` must be one of ${words.join(', ')}, not ${kindOf(node)}`);
  }
  return word;
}

/** The word below a key of a map. */
export function wordField<W extends string>(
  node: Node,
  key: string,
  what: string,
  words: readonly W[],
  reading: Reading,
): W | undefined {
  const entry = field(node, key);
  return entry && readWord(entry.value, what, words, reading);
}

/** A duration in GitLab's words, in milliseconds. */
export function readDuration(node: Node, what: string, reading: Reading): number | undefined {
  const text = node.kind === 'scalar' && node.value !== null ? node.text : undefined;
  const ms = text === undefined ? undefined : parseDuration(plainWords(text));
  if (ms === undefined && !isUndecided(node)) {
    reading.report({
      code: 'gitlab/duration',
      severity: 'error',
      message: `\`${what}\` must be a duration, not ${kindOf(node)}`,
      span: node.span,
      hint: 'write it like `1h 30m`, `90 minutes` or `1 week`',
    });
  }
  return ms;
}

const numberWords: readonly string[] =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen'.split(' ');

/** Words of GitLab's duration parser beyond digits and the usual units: `one week`, `2 wks`. */
function plainWords(text: string): string {
  return text.toLowerCase().replace(/\b[a-z]+\b/g, (word) => {
    const number = numberWords.indexOf(word);
    return number >= 0 ? String(number) : (unitWords[word] ?? word);
  });
}

const unitWords: Readonly<Record<string, string>> = { dy: 'day', wks: 'weeks' };

/** What a value is, for messages. */
export function kindOf(node: Node): string {
  if (node.kind === 'map') return 'a map';
  if (node.kind === 'seq') return 'a list';
  if (node.kind === 'reference') return 'a `!reference`';
  if (node.value === null) return 'nothing';
  return node.text.length > 60 ? 'a long text' : `\`${node.text}\``;
}

/** The place of an offset into a scalar's text: exact where the text stands in the file as it is, else the scalar. */
export function spanInside(node: ScalarNode, start: number, end: number): Span {
  const { span, text } = node;
  const quotes = (span.end - span.start - text.length) / 2;
  if ((quotes !== 0 && quotes !== 1) || text.includes('\n')) return span;
  const from = span.start + quotes;
  return { file: span.file, start: from + start, end: Math.min(from + Math.max(end, start + 1), span.end) };
}
