import { readRegex } from '../expression-check.ts';
import type { Keyword } from '../keyword.ts';

/** RE2 source (without slashes) that finds the coverage in the job's log. */
export const coverage: Keyword<string> = {
  name: 'coverage',
  scopes: ['job'],
  read: (entry, reading) => readRegex(entry.value, 'coverage', reading),
};
