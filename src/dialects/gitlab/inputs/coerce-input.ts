import type { Span } from '../../../diagnostics/diagnostic.ts';
import type { Node } from '../../../syntax/node.ts';
import type { InputType } from './input-spec.ts';
import { numberNode, plainNode, textNode } from './plain-node.ts';

/** A value as an input of some type takes it. */
export type Coerced =
  | { readonly kind: 'value'; readonly node: Node; readonly converted: boolean }
  | { readonly kind: 'wrong' };

/**
 * A value in the type of an input. As on GitLab a string input takes numbers and booleans as text, and inputs of the
 * other types take text that is JSON of that type; `converted` says that it was so. Lists and maps are no strings here,
 * where GitLab would take Ruby's way of writing them.
 * Source: lib/ci/inputs/base_input.rb and string_input.rb
 */
export function coerceInput(type: InputType, node: Node): Coerced {
  if (node.kind === 'reference') return { kind: 'wrong' };
  if (node.kind !== 'scalar') return type === 'array' && node.kind === 'seq' ? asIs(node) : { kind: 'wrong' };
  if (type === 'string') {
    return typeof node.value === 'string' ? asIs(node) : converted(textNode(node.text, node.span), node.value !== null);
  }
  if (typeof node.value === type) return asIs(node);
  return typeof node.value === 'string' ? coerceText(type, node.value, node.span) : { kind: 'wrong' };
}

/** The same for a text from outside of a file, where there is nothing but text. */
export function coerceText(type: InputType, text: string, span: Span): Coerced {
  if (type === 'string') return asIs(textNode(text, span));
  const value = parseJson(text);
  if (type === 'number' && typeof value === 'number') return converted(numberNode(value, text.trim(), span), true);
  const fits = type === 'boolean' ? typeof value === 'boolean' : Array.isArray(value);
  const node = fits ? plainNode(value, span) : undefined;
  return node ? converted(node, true) : { kind: 'wrong' };
}

function asIs(node: Node): Coerced {
  return { kind: 'value', node, converted: false };
}

function converted(node: Node, told: boolean): Coerced {
  return { kind: 'value', node, converted: told };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
