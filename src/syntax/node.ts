import type { Span } from '../diagnostics/diagnostic.ts';

/**
 * A YAML document after anchors, aliases and merge keys are resolved, with the place of every value kept.
 * Nodes are immutable and shared: an alias gives the very node of its anchor, `extends` and `include` reuse nodes
 * of other files with their own spans, so a message about a merged job points into the true file.
 */
export type Node = ScalarNode | MapNode | SeqNode | ReferenceNode;

/** What a plain value can be after the scalar rules of the dialect. Dates stay strings. */
export type Scalar = string | number | boolean | null;

/** One value without parts, with an empty one (`key:`) as null. */
export interface ScalarNode {
  readonly kind: 'scalar';
  readonly value: Scalar;
  /**
   * The text as the dialect's language sees it when the value is used as a string: for a quoted or block scalar its
   * content; for a plain one what Ruby's `to_s` gives (`0755` → `493`, `1.20` → `1.2`, `yes` → `true`, null → '').
   */
  readonly text: string;
  readonly span: Span;
}

/** A map; all keys are texts, whatever they looked like (`1:` is `"1"`). */
export interface MapNode {
  readonly kind: 'map';
  /** In file order; a duplicate key keeps its first place with its last value, as Psych does. */
  readonly entries: ReadonlyMap<string, MapEntry>;
  readonly span: Span;
}

/** A key with its value; the value may come from another place or file than the key. */
export interface MapEntry {
  readonly key: string;
  readonly keySpan: Span;
  readonly value: Node;
}

/** A list, in the order of the file. */
export interface SeqNode {
  readonly kind: 'seq';
  readonly items: readonly Node[];
  readonly span: Span;
}

/** `!reference [job, key, …]`, still unresolved. */
export interface ReferenceNode {
  readonly kind: 'reference';
  readonly path: readonly string[];
  readonly span: Span;
}

/** The value of `key` in a map, or undefined (also when `node` is no map). */
export function child(node: Node | undefined, key: string): Node | undefined {
  return node?.kind === 'map' ? node.entries.get(key)?.value : undefined;
}

/** A map without some of its keys; the very same node when it has none of them. */
export function withoutKeys(map: MapNode, keys: ReadonlySet<string>): MapNode {
  if (![...keys].some((key) => map.entries.has(key))) return map;
  return { ...map, entries: new Map([...map.entries].filter(([key]) => !keys.has(key))) };
}

/** The node as plain JavaScript data, as the schema validators want it; a reference becomes `{"!reference": path}`. */
export function toValue(node: Node): unknown {
  switch (node.kind) {
    case 'scalar':
      return node.value;
    case 'seq':
      return node.items.map(toValue);
    case 'reference':
      return { '!reference': [...node.path] };
    case 'map': {
      const value: Record<string, unknown> = Object.create(null);
      for (const entry of node.entries.values()) value[entry.key] = toValue(entry.value);
      return value;
    }
  }
}
