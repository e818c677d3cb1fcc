import { child, type MapEntry, type MapNode, type Node, type ScalarNode } from '../../syntax/node.ts';
import { isAbsent } from './merge.ts';
import { field } from './values.ts';

/** `$[[ inputs.name ]]`, perhaps with functions behind the name. */
const block = /\$\[\[\s*inputs\.([\w./-]+)\s*(\|[^\]]*)?\]\]/g;

/**
 * Puts values in the place of `$[[ inputs.name ]]`, in keys and values: what the include gives, else the default. A
 * block that is a whole value keeps the input's type. What has no value, and blocks with functions, stay as they are.
 * Source: https://docs.gitlab.com/ci/inputs/
 * @param header the `spec:` document, @param given the `inputs` of the include.
 */
export function fillInputs(content: Node, header: MapNode, given: Node | undefined): Node {
  const values = inputValues(header, given);
  if (values.size === 0) return content;
  const done = new Map<Node, Node>();
  const fill = (node: Node): Node => {
    if (node.kind === 'scalar') return fillScalar(node, values);
    const known = done.get(node);
    if (known) return known;
    const filled = node.kind === 'map' ? fillMap(node, values, fill) : fillItems(node, values, fill);
    done.set(node, filled);
    return filled;
  };
  return fill(content);
}

function inputValues(header: MapNode, given: Node | undefined): ReadonlyMap<string, Node> {
  const values = new Map<string, Node>();
  const declared = child(child(header, 'spec'), 'inputs');
  if (declared?.kind !== 'map') return values;
  for (const { key, value } of declared.entries.values()) {
    const node = (given && field(given, key)?.value) ?? child(value, 'default');
    if (node && !isAbsent(node)) values.set(key, node);
  }
  return values;
}

function fillMap(node: MapNode, values: ReadonlyMap<string, Node>, fill: (node: Node) => Node): MapNode {
  const entries = new Map<string, MapEntry>();
  for (const entry of node.entries.values()) {
    const key = fillText(entry.key, values);
    entries.set(key, { ...entry, key, value: fill(entry.value) });
  }
  return { ...node, entries };
}

function fillItems<N extends Exclude<Node, ScalarNode | MapNode>>(
  node: N,
  values: ReadonlyMap<string, Node>,
  fill: (node: Node) => Node,
): Node {
  if (node.kind === 'seq') return { ...node, items: node.items.map(fill) };
  return { ...node, path: node.path.map((part) => fillText(part, values)) };
}

function fillScalar(node: ScalarNode, values: ReadonlyMap<string, Node>): Node {
  if (typeof node.value !== 'string' || !node.value.includes('$[[')) return node;
  const [only] = node.value.matchAll(block);
  const whole = only && only[0] === node.value.trim() && only[2] === undefined ? values.get(only[1]!) : undefined;
  if (whole) return whole.kind === 'scalar' ? { ...whole, span: node.span } : whole;
  const text = fillText(node.value, values);
  return { ...node, value: text, text };
}

function fillText(text: string, values: ReadonlyMap<string, Node>): string {
  if (!text.includes('$[[')) return text;
  return text.replace(block, (written, name: string, functions?: string) => {
    const value = functions === undefined ? values.get(name) : undefined;
    return value?.kind === 'scalar' ? value.text : written;
  });
}
