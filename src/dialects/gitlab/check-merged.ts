import type { Diagnostic, Span } from '../../diagnostics/diagnostic.ts';
import type { MapEntry, MapNode, Node } from '../../syntax/node.ts';
import { type SchemaName, validateSchema } from '../../syntax/validate.ts';
import { globalKeys } from './keywords/default.ts';

/**
 * Checks what templates brought into jobs. Files are checked as they stand, but templates may hold anything there, and
 * GitLab looks at jobs only after they are merged. Every value is checked once, however many jobs share it.
 * @param raw the top level before `extends` and references, @param merged after them.
 * @param told what is known to be wrong already: nothing more is said about those places.
 */
export function checkMerged(
  raw: MapNode,
  merged: MapNode,
  schema: SchemaName,
  told: readonly Diagnostic[],
): readonly Diagnostic[] {
  const checked = new Set<Node>();
  for (const entry of visibleJobs(raw)) for (const { value } of entry.value.entries.values()) checked.add(value);
  const found: Diagnostic[] = [];
  for (const entry of visibleJobs(merged)) {
    const fresh = [...entry.value.entries.values()].filter(({ value }) => !checked.has(value));
    if (fresh.length === 0) continue;
    for (const { value } of fresh) checked.add(value);
    found.push(...validateSchema(partOfJob(merged, entry, fresh), schema));
  }
  return newErrors(found, told);
}

interface JobEntry extends MapEntry {
  readonly value: MapNode;
}

function visibleJobs(root: MapNode): readonly JobEntry[] {
  return [...root.entries.values()].filter(
    (entry): entry is JobEntry =>
      entry.value.kind === 'map' && !entry.key.startsWith('.') && !globalKeys.has(entry.key),
  );
}

/** A file with nothing but some keys of one job. It extends something, so that no key is missed. */
function partOfJob(root: MapNode, job: JobEntry, keys: readonly MapEntry[]): MapNode {
  const { span } = job.value;
  const parent: Node = { kind: 'scalar', value: 'parent', text: 'parent', span };
  const entries = new Map<string, MapEntry>([['extends', { key: 'extends', keySpan: job.keySpan, value: parent }]]);
  for (const entry of keys) entries.set(entry.key, { ...entry, value: flatten(entry.value) });
  const value: MapNode = { kind: 'map', entries, span };
  return { kind: 'map', entries: new Map([[job.key, { ...job, value }]]), span: root.span };
}

/** Lists in lists, which references make, become one list. */
function flatten(node: Node): Node {
  if (node.kind === 'seq') {
    const items = node.items.flatMap((item) => {
      const flat = flatten(item);
      return flat.kind === 'seq' ? flat.items : [flat];
    });
    return { ...node, items };
  }
  if (node.kind !== 'map') return node;
  const entries = [...node.entries].map(([key, entry]) => [key, { ...entry, value: flatten(entry.value) }] as const);
  return { ...node, entries: new Map(entries) };
}

function newErrors(found: readonly Diagnostic[], told: readonly Diagnostic[]): readonly Diagnostic[] {
  const places: Span[] = told.flatMap(({ severity, span }) => (severity === 'error' && span ? [span] : []));
  const fresh: Diagnostic[] = [];
  for (const diagnostic of found) {
    const { span, severity } = diagnostic;
    if (severity !== 'error' || !span || places.some((place) => touches(place, span))) continue;
    places.push(span);
    fresh.push(diagnostic);
  }
  return fresh;
}

function touches(a: Span, b: Span): boolean {
  return a.file === b.file && a.start < b.end && b.start < a.end;
}
