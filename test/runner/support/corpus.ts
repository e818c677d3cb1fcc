import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

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

/** Those whose name begins so. */
export function rowsOf(...prefixes: readonly string[]): readonly Row[] {
  return rows.filter(({ name }) => prefixes.some((prefix) => name.startsWith(prefix)));
}
