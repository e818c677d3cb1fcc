import type { MapEntry, MapNode, Node } from '../../syntax/node.ts';
import { isAbsent } from './merge.ts';
import { type IgnoredPart, notRunYet, type Reading } from './reading.ts';
import { ignored, type Parts, type Support } from './support.ts';

/** Where a keyword may stand. `global` is the top level of a file. */
export type KeywordScope = 'job' | 'default' | 'global' | 'workflow' | 'header';

/** One keyword of GitLab's language. */
export interface Keyword<T> {
  readonly name: string;
  readonly scopes: readonly KeywordScope[];
  /** Makes the model's value of the entry, which is not null. Undefined: nothing usable, and said so. */
  readonly read: (entry: MapEntry, reading: Reading) => T | undefined;
  /** What the keyword as a whole means in a local run. Absent: it runs. */
  readonly support?: Support;
  /** What the keys inside of it mean, in its first scope. `take` warns of those that are ignored. */
  readonly parts?: Parts;
  /** The keys in other scopes, where the support matrix lists those too. */
  readonly partsAt?: { readonly [S in KeywordScope]?: Parts };
  /** What the support matrix puts before the keys. Absent: scope and name. */
  readonly partsListedAs?: string;
}

/** The value of a keyword in a map; undefined when it is absent or null. Shared nodes are read once. */
export function take<T>(map: MapNode, keyword: Keyword<T>, reading: Reading): T | undefined {
  const entry = map.entries.get(keyword.name);
  if (entry === undefined || isAbsent(entry.value)) return undefined;
  let values = reading.memo.get(keyword);
  if (values === undefined) {
    values = new Map();
    reading.memo.set(keyword, values);
  }
  if (!values.has(entry.value)) {
    tellIgnored(keyword, entry, reading);
    values.set(entry.value, keyword.read(entry, reading));
  }
  return values.get(entry.value) as T | undefined;
}

/** A legal keyword that has no effect here: one warning for each place that it is written at. */
export function notRun(
  name: string,
  scopes: readonly KeywordScope[],
  how: string,
  parts: readonly string[] = [],
): Keyword<undefined> {
  const support = ignored(how);
  return {
    name,
    scopes,
    support,
    parts: Object.fromEntries(parts.map((part) => [part, support])),
    read: () => undefined,
  };
}

function tellIgnored(keyword: Keyword<unknown>, entry: MapEntry, reading: Reading): void {
  const { name, support } = keyword;
  if (support?.state === 'ignored') {
    notRunYet(reading, entry.keySpan, name, support.how);
    return;
  }
  for (const { path, how, unless } of ignoredParts(keyword, reading)) {
    for (const { keySpan, value } of entriesAt(entry.value, path)) {
      if (value.kind === 'scalar' && unless?.includes(value.text)) continue;
      notRunYet(reading, keySpan, `${name}:${path.join(':')}`, how);
    }
  }
}

/** The parts that are ignored, found once for each keyword. */
function ignoredParts(keyword: Keyword<unknown>, { ignored }: Reading): readonly IgnoredPart[] {
  const known = ignored.get(keyword);
  if (known) return known;
  const parts = Object.entries(keyword.parts ?? {}).flatMap(([path, part]) =>
    part.state === 'ignored' ? [{ ...part, path: path.split(':') }] : [],
  );
  ignored.set(keyword, parts);
  return parts;
}

/** The entries that a path of keys leads to, through all items of lists on the way. */
function entriesAt(node: Node, [key, ...rest]: readonly string[]): readonly MapEntry[] {
  if (node.kind === 'seq') return node.items.flatMap((item) => entriesAt(item, [key!, ...rest]));
  const entry = node.kind === 'map' ? node.entries.get(key!) : undefined;
  if (entry === undefined || isAbsent(entry.value)) return [];
  return rest.length === 0 ? [entry] : entriesAt(entry.value, rest);
}
