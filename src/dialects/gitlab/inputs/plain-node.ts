import type { Span } from '../../../diagnostics/diagnostic.ts';
import type { MapEntry, Node, ScalarNode } from '../../../syntax/node.ts';

/** Plain data nested deeper than this is refused: nobody means it, and readers walk it by recursion. */
const maxDepth = 100;

/** A string as a node. */
export function textNode(text: string, span: Span): ScalarNode {
  return { kind: 'scalar', value: text, text, span };
}

/** A number as a node. @param source the number as it is written, of which its text is made as Ruby would. */
export function numberNode(value: number, source: string, span: Span): ScalarNode {
  const isFloat = /[.eE]/.test(source) || !Number.isInteger(value);
  const text = isFloat && Number.isInteger(value) ? `${value}.0` : isFloat ? String(value) : source;
  return { kind: 'scalar', value, text, span };
}

/**
 * Plain data (as `JSON.parse` gives it) as a node that stands at one place.
 * @returns undefined for what is no such data, or nested deeper than 100 levels.
 */
export function plainNode(value: unknown, span: Span, depth = 0): Node | undefined {
  if (value === null) return { kind: 'scalar', value: null, text: '', span };
  switch (typeof value) {
    case 'string':
      return textNode(value, span);
    case 'number':
      return numberNode(value, String(value), span);
    case 'boolean':
      return { kind: 'scalar', value, text: String(value), span };
    case 'object':
      return depth < maxDepth ? collectionNode(value, span, depth + 1) : undefined;
    default:
      return undefined;
  }
}

function collectionNode(value: object, span: Span, depth: number): Node | undefined {
  if (Array.isArray(value)) {
    const items: Node[] = [];
    for (const item of value) {
      const node = plainNode(item, span, depth);
      if (node === undefined) return undefined;
      items.push(node);
    }
    return { kind: 'seq', items, span };
  }
  const entries = new Map<string, MapEntry>();
  for (const [key, item] of Object.entries(value)) {
    const node = plainNode(item, span, depth);
    if (node === undefined) return undefined;
    entries.set(key, { key, keySpan: span, value: node });
  }
  return { kind: 'map', entries, span };
}
