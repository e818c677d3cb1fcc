import { type Automaton, buildAutomaton, type Pattern } from './automaton.ts';
import { phraseForms } from './phrase-forms.ts';

/** What it takes to find a set of secrets in a stream. */
export interface MaskingTable {
  readonly automaton: Automaton;
  /** Values that are too short to be masked. */
  readonly refused: readonly string[];
  /** All values, refused ones too. */
  readonly phrases: ReadonlySet<string>;
  readonly forms: ReadonlyMap<string, Pattern>;
}

/** Builds tables and keeps the latest: most jobs of a run hide the same values, and a table of a key costs milliseconds. */
export interface MaskingTables {
  of(phrases: Iterable<string>, prefixes: readonly string[]): MaskingTable;
}

/** So many tables are kept: jobs with a secret of their own must not fill the memory. */
const mostKept = 16;

/** Makes MaskingTables, for one run. @param shortest characters of a value that is masked; default 4. */
export function maskingTables({ shortest }: { readonly shortest?: number } = {}): MaskingTables {
  const kept = new Map<string, MaskingTable>();
  return {
    of(phrases, prefixes) {
      const unique = new Set(phrases);
      const key = JSON.stringify([[...unique], prefixes]);
      const table = kept.get(key) ?? buildTable(unique, prefixes, shortest);
      kept.delete(key);
      kept.set(key, table);
      for (const oldest of kept.keys()) if (kept.size > mostKept) kept.delete(oldest);
      return table;
    },
  };
}

function buildTable(
  phrases: ReadonlySet<string>,
  prefixes: readonly string[],
  shortest: number | undefined,
): MaskingTable {
  const forms = new Map<string, Pattern>();
  const refused: string[] = [];
  for (const phrase of phrases) {
    const found = phraseForms(phrase, shortest);
    for (const bytes of found) forms.set(Buffer.from(bytes).toString('latin1'), { bytes, kind: 'phrase' });
    if (found.length === 0 && phrase.trim() !== '') refused.push(phrase);
  }
  const openers = prefixes
    .filter((prefix) => prefix !== '')
    .map((prefix): Pattern => ({ bytes: Buffer.from(prefix, 'utf8'), kind: 'opener' }));
  return { automaton: buildAutomaton([...forms.values(), ...openers]), refused, phrases, forms };
}
