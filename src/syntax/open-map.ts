import type { Span } from '../diagnostics/diagnostic.ts';
import { expansionLimit, fail, lineOf, type State } from './convert-state.ts';
import type { MapEntry, MapNode, Node, ScalarNode } from './node.ts';

/** A map that is being read. */
export interface OpenMap {
  readonly entries: Map<string, MapEntry>;
  /** Keys that a merge brought, each with the number of its `<<`; an explicit key replaces them without a warning. */
  merged: Map<string, number> | undefined;
  /** `<<` keys so far. */
  merges: number;
  size: number;
}

function mergeMap(state: State, into: OpenMap, source: MapNode, mergeSpan: Span): void {
  for (const entry of source.entries.values()) {
    if (++state.mergedEntries > expansionLimit(state)) return;
    const present = into.entries.get(entry.key);
    const mergedBy = into.merged?.get(entry.key);
    // Psych lays each `<<` over all that stands before it; within the list of one `<<` the earlier map wins.
    const overrides = state.rules === 'yaml-1.1' && (mergedBy === undefined || mergedBy < into.merges);
    if (present !== undefined && !overrides) continue;
    if (present !== undefined && mergedBy === undefined && present.value !== entry.value) {
      state.diagnostics.push({
        code: 'syntax/merge-order',
        severity: 'warning',
        message: `\`<<\` comes after \`${entry.key}\`, which it also sets: the merged value counts, as on GitLab`,
        span: mergeSpan,
        hint: 'write `<<` as the first key of the map',
        related: [{ message: `\`${entry.key}\` is set here`, span: present.keySpan }],
      });
    }
    into.entries.set(entry.key, entry);
    into.merged ??= new Map();
    into.merged.set(entry.key, into.merges);
  }
}

/** Merges the value of a `<<` key, a map or a list of maps: https://yaml.org/type/merge.html */
export function mergeInto(state: State, into: OpenMap, value: Node, keySpan: Span): void {
  into.merges++;
  const sources = value.kind === 'seq' ? value.items : [value];
  for (const source of sources) {
    if (source.kind === 'map') mergeMap(state, into, source, keySpan);
    else if (!state.failed) {
      fail(state, 'syntax/bad-merge', '`<<` merges a map or a list of maps, and this is neither', keySpan);
    }
  }
}

/** Sets a key that is written out in the map; a second time is a warning, and the last value counts. */
export function addEntry(state: State, into: OpenMap, key: ScalarNode, value: Node): void {
  const present = into.entries.get(key.text);
  if (present !== undefined && !into.merged?.delete(key.text)) {
    const before = lineOf(state, present.keySpan.start);
    const now = lineOf(state, key.span.start);
    state.diagnostics.push({
      code: 'syntax/duplicate-key',
      severity: 'warning',
      message: `the key \`${key.text}\` is set twice, in lines ${before} and ${now}; the last one counts`,
      span: key.span,
      related: [{ message: 'first set here', span: present.keySpan }],
    });
  }
  into.entries.set(key.text, { key: key.text, keySpan: key.span, value });
}
