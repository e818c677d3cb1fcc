import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';

// biome-ignore lint/suspicious/noExplicitAny: rows have a shape for each group, told by their test
type Loose = any;

/** A case of the reference client's own tests. */
export interface Row {
  readonly name: string;
  readonly given: Loose;
  readonly server_response: Loose;
  readonly expected: Loose;
}

const path = fileURLToPath(new URL('../../../../shared/corpus/runner-cases.json', import.meta.url));

/** All rows; none where the corpus is not there. */
export const rows: readonly Row[] = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Row[]) : [];

/** `describe` of tests of rows: they are skipped where the corpus is not there. */
export const describeRows = describe.skipIf(rows.length === 0);

/** Rows whose name begins so; where there are none one that says so, since no tests at all would be a mistake. */
export function rowsOf(...prefixes: readonly string[]): readonly Row[] {
  if (rows.length === 0) return [{ name: 'the corpus is not here', given: {}, server_response: {}, expected: {} }];
  return rows.filter(({ name }) => prefixes.some((prefix) => name.startsWith(prefix)));
}
