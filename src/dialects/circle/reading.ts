import type { Diagnostic, Report, Span } from '../../diagnostics/diagnostic.ts';
import type { MapEntry, MapNode, Node, Scalar, ScalarNode, SeqNode } from '../../syntax/node.ts';
import { didYouMean } from '../../util/nearest.ts';

/** What all readers of one configuration share. */
export interface Reading {
  readonly report: Report;
  /** The texts of files by their paths, for places inside of long texts. */
  readonly sources?: ReadonlyMap<string, string>;
  /** What may still be spent on this configuration. Absent: as much as it takes. */
  readonly left?: Left;
}

/** "did you mean `build`?", or undefined when nothing is near. */
export function suggestion({ left }: Reading, word: string, candidates: () => Iterable<string>): string | undefined {
  if (left !== undefined && left.suggestions-- <= 0) return undefined;
  return didYouMean(word, candidates());
}

/** Bounds for configurations that are made to take for ever. */
export interface Left {
  /** How many more mistakes get the name that is nearest: among thousands of names looking for it takes minutes. */
  suggestions: number;
  /** Of texts that tags are filled into: each call of a command may double one. */
  characters: number;
  /** Of orbs, each once for every place that uses it: two that use the next one twice double them at each level. */
  orbs: number;
}

/** Reports an error of the language. */
export function problem(
  reading: Reading,
  code: Extract<Diagnostic['code'], `circle/${string}`>,
  span: Span,
  message: string,
  more: Pick<Diagnostic, 'hint' | 'related'> = {},
): void {
  reading.report({ code, severity: 'error', message, span, ...more });
}

/** Is it the key without a value, or `null`? */
export function isNothing(node: Node | undefined): boolean {
  return node === undefined || (node.kind === 'scalar' && node.value === null);
}

/** The entry of a key, unless its value is nothing. */
export function field(node: Node | undefined, key: string): MapEntry | undefined {
  const entry = node?.kind === 'map' ? node.entries.get(key) : undefined;
  return entry === undefined || isNothing(entry.value) ? undefined : entry;
}

/** The entries of a map; of anything else none. */
export function entriesOf(node: Node | undefined): readonly MapEntry[] {
  return node?.kind === 'map' ? [...node.entries.values()] : [];
}

/** The items of a list; of anything else none. */
export function itemsOf(node: Node | undefined): readonly Node[] {
  return node?.kind === 'seq' ? node.items : [];
}

/** The text of a scalar that is something. */
export function textOf(node: Node | undefined): string | undefined {
  return node?.kind === 'scalar' && node.value !== null ? node.text : undefined;
}

/** What a value is, for messages. */
export function kindOf(node: Node): string {
  if (node.kind === 'map') return 'a map';
  if (node.kind === 'seq') return node.items.length === 0 ? 'an empty list' : 'a list';
  if (node.kind === 'reference') return 'a `!reference`';
  if (node.value === null) return 'nothing';
  if (typeof node.value === 'string') return node.text.length > 60 ? 'a long text' : `the text \`${node.text}\``;
  return `\`${node.text}\``;
}

/** A scalar that was not written, in the place of what it stands for. */
export function scalar(value: Scalar, span: Span): ScalarNode {
  return { kind: 'scalar', value, text: value === null ? '' : String(value), span };
}

/** A list that was not written. */
export function seq(items: readonly Node[], span: Span): SeqNode {
  return { kind: 'seq', items, span };
}

/** A map that was not written; keys are in the places of what they come from. */
export function map(entries: Iterable<MapEntry>, span: Span): MapNode {
  const all = new Map<string, MapEntry>();
  for (const entry of entries) all.set(entry.key, entry);
  return { kind: 'map', entries: all, span };
}

/** An entry that was not written. */
export function entry(key: string, value: Node, keySpan: Span = value.span): MapEntry {
  return { key, keySpan, value };
}
