import type { MapEntry, MapNode, Node } from '../../syntax/node.ts';

/**
 * GitLab's deep merge of `include` and `extends`: maps are merged key by key, everything else (lists, scalars, null)
 * is replaced by `over`. Allocates only maps that are in both; every value keeps its node and so its span.
 */
export function mergeMaps(base: MapNode, over: MapNode): MapNode {
  if (base.entries.size === 0) return over;
  const entries = new Map(base.entries);
  for (const entry of over.entries.values()) entries.set(entry.key, mergeEntry(entries.get(entry.key), entry));
  return { kind: 'map', entries, span: over.span };
}

function mergeEntry(under: MapEntry | undefined, entry: MapEntry): MapEntry {
  if (under?.value.kind !== 'map' || entry.value.kind !== 'map') return entry;
  return { ...entry, value: mergeMaps(under.value, entry.value) };
}

/** A map with the entry set, in the place of an entry of the same key, else at the end. */
export function withEntry(map: MapNode, entry: MapEntry): MapNode {
  return { ...map, entries: new Map(map.entries).set(entry.key, entry) };
}

/**
 * Not given: null, which is how a file takes a value away, or a `!reference` that could not be resolved, which has
 * been told already.
 */
export function isAbsent(node: Node): boolean {
  return node.kind === 'reference' || (node.kind === 'scalar' && node.value === null);
}
