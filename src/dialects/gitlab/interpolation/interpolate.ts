import type { Diagnostic, Report, Span } from '../../../diagnostics/diagnostic.ts';
import type { MapEntry, MapNode, Node, ScalarNode } from '../../../syntax/node.ts';
import { blockSpan } from './block-span.ts';
import { type BlockValue, evaluateBlock, type InterpolationContext } from './evaluate-block.ts';
import { type Block, findBlocks } from './find-blocks.ts';
import type { BlockError } from './outcome.ts';
import { rubyText } from './ruby-text.ts';

/** GitLab's limits. Source: lib/gitlab/ci/config/interpolation/template.rb and config.rb */
const maxBlocks = 10_000;
const maxNodes = 500_000;
const maxTextBytes = 1024 * 1024;
/** Ours: what blocks may make of one file in all, in UTF-16 code units; how deep a value may be; errors told of one file. */
const maxOutput = 16 * 1024 * 1024;
const maxDepth = 100;
const maxErrors = 50;

/** The inputs of one file, and what it takes to say where in it a block is wrong. */
export interface Interpolation extends InterpolationContext {
  readonly report: Report;
  /** The text of the file, to find places in. */
  readonly source: string;
  /** What every message refers to as well: the include that brought the file. */
  readonly related: NonNullable<Diagnostic['related']>;
}

interface Walk extends Interpolation {
  /** What blocks stand for, by their text; undefined: nothing, and that was told. */
  readonly values: Map<string, BlockValue | undefined>;
  readonly done: Map<Node, Node>;
  readonly sizes: Map<Node, Size>;
  errors: number;
  nodes: number;
  output: number;
  failed: boolean;
  tooLarge: boolean;
}

/** Number of values that a node stands for, itself included, shared ones each time, and of levels. */
interface Size {
  readonly nodes: number;
  readonly depth: number;
}

/** A text with blocks in it, and where it stands. */
interface Container {
  readonly text: string;
  readonly span: Span;
}

/**
 * Puts values in the place of `$[[ … ]]` in all keys and values. A block that is a whole value keeps its type; inside
 * a longer text it becomes text. What comes in by a value is not looked at again. Nodes without a block stay the same.
 * @returns undefined when a block means nothing or there is too much; all of that is reported.
 */
export function interpolate(content: Node, given: Interpolation): Node | undefined {
  const walk: Walk = {
    ...given,
    values: new Map(),
    done: new Map(),
    sizes: new Map(),
    errors: 0,
    nodes: 0,
    output: 0,
    failed: false,
    tooLarge: false,
  };
  const filled = fill(walk, content);
  return walk.failed ? undefined : filled;
}

function fill(walk: Walk, node: Node): Node {
  if (node.kind === 'scalar') return fillScalar(walk, node);
  const known = walk.done.get(node);
  if (known) return known;
  const filled = fillCollection(walk, node);
  walk.done.set(node, filled);
  return filled;
}

function fillCollection(walk: Walk, node: Exclude<Node, ScalarNode>): Node {
  switch (node.kind) {
    case 'map':
      return fillMap(walk, node);
    case 'seq': {
      const items = node.items.map((item) => fill(walk, item));
      return items.every((item, index) => item === node.items[index]) ? node : { ...node, items };
    }
    case 'reference': {
      const path = node.path.map((text) => fillText(walk, { text, span: node.span }));
      return path.every((part, index) => part === node.path[index]) ? node : { ...node, path };
    }
  }
}

function fillMap(walk: Walk, node: MapNode): MapNode {
  const entries = new Map<string, MapEntry>();
  let changed = false;
  for (const entry of node.entries.values()) {
    const { keySpan } = entry;
    const key = fillText(walk, { text: entry.key, span: keySpan });
    const value = fill(walk, entry.value);
    const same = key === entry.key && value === entry.value;
    if (!same) changed = true;
    entries.set(key, same ? entry : { key, keySpan, value });
  }
  return changed ? { ...node, entries } : node;
}

function fillScalar(walk: Walk, node: ScalarNode): Node {
  if (typeof node.value !== 'string' || !node.value.includes('$[[')) return node;
  const container = { text: node.value, span: node.span };
  const blocks = findBlocks(container.text);
  const [only] = blocks;
  if (only !== undefined && only.start === 0 && only.end === container.text.length) {
    const value = valueFor(walk, container, only);
    if (value?.kind !== 'value' || !countNodes(walk, container, value.node)) return node;
    return value.node.kind === 'scalar' ? { ...value.node, span: node.span } : value.node;
  }
  const filled = joinText(walk, container, blocks);
  return filled === container.text ? node : { ...node, value: filled, text: filled };
}

function fillText(walk: Walk, container: Container): string {
  return container.text.includes('$[[') ? joinText(walk, container, findBlocks(container.text)) : container.text;
}

function joinText(walk: Walk, container: Container, blocks: readonly Block[]): string {
  const { text } = container;
  let filled = '';
  let at = 0;
  for (const block of blocks) {
    const value = valueFor(walk, container, block);
    if (walk.tooLarge) return text;
    if (value?.kind !== 'value') continue;
    const part = rubyText(value.node);
    walk.output += part.length;
    if (filled.length + part.length > maxTextBytes) {
      tooMuch(walk, `blocks make a text of more than ${maxTextBytes} characters`, container.span);
    } else if (walk.output > maxOutput) {
      tooMuch(walk, `blocks make more than ${maxOutput} characters of the file`, container.span);
    }
    if (walk.tooLarge) return text;
    filled += text.slice(at, block.start) + part;
    at = block.end;
  }
  return filled + text.slice(at);
}

/** What a block stands for; the same block is evaluated once, and told once if it is wrong. */
function valueFor(walk: Walk, container: Container, block: Block): BlockValue | undefined {
  const written = container.text.slice(block.start, block.end);
  if (walk.values.has(written)) return walk.values.get(written);
  if (walk.values.size === maxBlocks) {
    tooMuch(walk, `the file has more than ${maxBlocks} different blocks`, container.span);
  }
  // Who has been told of so many mistakes is told of no more, and finding what was meant takes time.
  if (walk.tooLarge || walk.errors === maxErrors) return undefined;
  const outcome = evaluateBlock(block.data, walk, container.span);
  const value = outcome.ok ? outcome.value : undefined;
  walk.values.set(written, value);
  if (!outcome.ok) tell(walk, container, block, outcome.error);
  return value;
}

function tell(walk: Walk, { text, span }: Container, block: Block, { message, hint }: BlockError): void {
  walk.failed = true;
  walk.errors++;
  walk.report({
    code: 'gitlab/interpolation',
    severity: 'error',
    message: `\`${shorten(text.slice(block.start, block.end))}\` can't be filled in: ${message}`,
    span: blockSpan(walk.source, span, text, block),
    ...(hint === undefined ? {} : { hint }),
    ...(walk.related.length === 0 ? {} : { related: walk.related }),
  });
}

function shorten(text: string): string {
  return text.length > 100 ? `${text.slice(0, 97)}…` : text;
}

function tooMuch(walk: Walk, message: string, span: Span): void {
  if (!walk.tooLarge) walk.report({ code: 'gitlab/interpolation-too-large', severity: 'error', message, span });
  walk.tooLarge = true;
  walk.failed = true;
}

/** @returns false: that would be too much. */
function countNodes(walk: Walk, { span }: Container, node: Node): boolean {
  const size = sizeOf(walk, node);
  walk.nodes += size.nodes;
  if (walk.nodes > maxNodes) tooMuch(walk, `blocks bring more than ${maxNodes} values into the file`, span);
  else if (size.depth > maxDepth) tooMuch(walk, `the value is nested deeper than ${maxDepth} levels`, span);
  return !walk.tooLarge;
}

function sizeOf(walk: Walk, node: Node): Size {
  if (node.kind === 'scalar' || node.kind === 'reference') return { nodes: 1, depth: 0 };
  const known = walk.sizes.get(node);
  if (known !== undefined) return known;
  const inner = node.kind === 'seq' ? node.items : [...node.entries.values()].map(({ value }) => value);
  let nodes = 1;
  let depth = 0;
  for (const item of inner) {
    const size = sizeOf(walk, item);
    nodes += size.nodes;
    depth = Math.max(depth, size.depth);
  }
  const size = { nodes, depth: depth + 1 };
  walk.sizes.set(node, size);
  return size;
}
