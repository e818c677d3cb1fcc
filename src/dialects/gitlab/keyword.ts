import type { MapEntry, MapNode } from '../../syntax/node.ts';
import { isAbsent } from './merge.ts';
import { notRunYet, type Reading } from './reading.ts';

/** Where a keyword may stand. `global` is the top level of a file. */
export type KeywordScope = 'job' | 'default' | 'global' | 'workflow' | 'header';

/** One keyword of GitLab's language. */
export interface Keyword<T> {
  readonly name: string;
  readonly scopes: readonly KeywordScope[];
  /** Makes the model's value of the entry, which is not null. Undefined: nothing usable, and said so. */
  readonly read: (entry: MapEntry, reading: Reading) => T | undefined;
  /** What happens instead, for a keyword that has no effect here. */
  readonly consequence?: string;
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
  if (!values.has(entry.value)) values.set(entry.value, keyword.read(entry, reading));
  return values.get(entry.value) as T | undefined;
}

/** A legal keyword that has no effect here: one warning for each place that it is written at. */
export function notRun(name: string, scopes: readonly KeywordScope[], consequence: string): Keyword<undefined> {
  return {
    name,
    scopes,
    consequence,
    read: (entry, reading) => {
      notRunYet(reading, entry.keySpan, name, consequence);
      return undefined;
    },
  };
}
