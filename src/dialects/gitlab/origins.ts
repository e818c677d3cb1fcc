import type { Span } from '../../diagnostics/diagnostic.ts';
import { child, type MapNode } from '../../syntax/node.ts';
import { once } from '../../util/once.ts';
import type { Origin } from '../dialect.ts';
import { globalDefaultKeys } from './keywords/default.ts';

/** A file of the pipeline as it was read. */
export interface ReadFile {
  /** The paths from the entry file to this one. */
  readonly chain: readonly string[];
  readonly root: MapNode;
}

/** A top-level entry of a file: it reaches from its key to the next one. */
interface Section {
  readonly name: string;
  readonly start: number;
}

interface IndexedFile {
  readonly chain: readonly string[];
  /** In the order of the file. */
  readonly sections: readonly Section[];
}

/**
 * Answers where a value of the merged file comes from. Nothing is looked at before the first question.
 * @param files all files that were merged. @param root the top level, merged, before `extends`.
 */
export function originsOf(files: readonly ReadFile[], root: MapNode): (top: string, place: Span) => Origin {
  const indexed = once(() => indexFiles(files));
  const ways = new Map<string, ReadonlyMap<string, readonly string[]>>();
  const waysFrom = (top: string): ReadonlyMap<string, readonly string[]> => {
    const known = ways.get(top) ?? parentsOf(root, top);
    ways.set(top, known);
    return known;
  };
  return (top, place) => {
    const file = indexed().get(place.file);
    const includedBy = file?.chain.slice(0, -1) ?? [];
    const common = { span: place, ...(includedBy.length > 0 ? { includedBy } : {}) };
    const section = file && sectionAt(file.sections, place.start);
    if (section === undefined || section === top) return common;
    if (section === 'default' || globalDefaultKeys.includes(section)) return { ...common, from: { kind: 'default' } };
    const way = waysFrom(top).get(section);
    if (way !== undefined) return { ...common, from: { kind: 'extends', parents: way } };
    return { ...common, from: { kind: 'shared', entry: section } };
  };
}

function indexFiles(files: readonly ReadFile[]): ReadonlyMap<string, IndexedFile> {
  const found = new Map<string, IndexedFile>();
  for (const { chain, root } of files) {
    const path = chain.at(-1)!;
    // A file that is included twice is told of by its first way.
    if (found.has(path)) continue;
    const sections = [...root.entries.values()].map(({ key, keySpan }) => ({ name: key, start: keySpan.start }));
    found.set(path, { chain, sections: sections.sort((a, b) => a.start - b.start) });
  }
  return found;
}

/** The name of the last section that begins at or before the offset. */
function sectionAt(sections: readonly Section[], offset: number): string | undefined {
  let low = 0;
  let high = sections.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sections[middle]!.start <= offset) low = middle + 1;
    else high = middle;
  }
  return sections[low - 1]?.name;
}

/** All that an entry extends, directly or not, each with the names on the way to it. */
function parentsOf(root: MapNode, top: string): ReadonlyMap<string, readonly string[]> {
  const ways = new Map<string, readonly string[]>();
  const open: { readonly name: string; readonly way: readonly string[] }[] = [{ name: top, way: [] }];
  for (let at = open.shift(); at; at = open.shift()) {
    const value = child(child(root, at.name), 'extends');
    for (const node of value?.kind === 'seq' ? value.items : value ? [value] : []) {
      if (node.kind !== 'scalar' || node.text === top || ways.has(node.text)) continue;
      const way = [...at.way, node.text];
      ways.set(node.text, way);
      open.push({ name: node.text, way });
    }
  }
  return ways;
}
