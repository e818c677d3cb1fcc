import type { Span } from '../../diagnostics/diagnostic.ts';
import type { MapEntry, Node } from '../../syntax/node.ts';
import type { Element, ElementKind } from './elements.ts';
import { reportTemplate } from './interpolate.ts';
import { placeInText } from './place-in-text.ts';
import { type Reading, scalar } from './reading.ts';
import { insideOf, type Scope } from './scope.ts';
import { type Asking, checkTag, valueOfName } from './tag-value.ts';
import { type Part, readTemplate } from './template.ts';

/**
 * Tells tags of an element that can't be read, or name a parameter that it does not declare: also where nothing uses
 * it, and in steps that a condition leaves out.
 */
export function checkTags(element: Element, kind: ElementKind, around: Scope, reading: Reading): void {
  const outer = insideOf(element, around);
  const stand = scalar('', element.node.span);
  const parameters = new Map([...element.declared.keys()].map((name) => [name, stand]));
  // A matrix of a workflow is made of parameters of the job.
  const scope: Scope = { ...outer, parameters, ...(kind === 'job' ? { matrix: parameters } : {}) };
  const seen = new Set<Node>();
  for (const each of element.node.entries.values()) {
    // Defaults are the caller's to see.
    if (each.key !== 'parameters' && each.key !== 'description') checkEntry(each, { scope, reading, seen });
  }
}

interface Walk {
  readonly scope: Scope;
  readonly reading: Reading;
  /** An anchor may stand for the same node in many places. */
  readonly seen: Set<Node>;
}

function checkEntry({ key, keySpan, value }: MapEntry, walk: Walk): void {
  if (key.includes('<<')) checkText(key, keySpan, walk);
  checkNode(value, walk);
}

function checkNode(node: Node, walk: Walk): void {
  if (walk.seen.has(node)) return;
  walk.seen.add(node);
  if (node.kind === 'map') for (const each of node.entries.values()) checkEntry(each, walk);
  else if (node.kind === 'seq') for (const item of node.items) checkNode(item, walk);
  else if (node.kind === 'scalar' && typeof node.value === 'string' && node.value.includes('<<')) {
    checkText(node.text, node.span, walk);
  }
}

function checkText(text: string, span: Span, { scope, reading }: Walk): void {
  const asking: Asking = { scope, reading, place: placeInText(text, span, reading.sources?.get(span.file)) };
  const { parts, problem: wrong } = readTemplate(text);
  if (wrong === undefined) checkParts(parts, asking);
  else reportTemplate(wrong, asking);
}

function checkParts(parts: readonly Part[], asking: Asking): void {
  for (const part of parts) {
    if (part.kind === 'tag') checkTag(part.body, part.at, asking);
    if (part.kind !== 'section') continue;
    valueOfName(part.name, part.at, asking);
    checkParts(part.parts, asking);
  }
}
