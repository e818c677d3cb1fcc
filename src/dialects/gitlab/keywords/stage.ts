import type { Spanned } from '../../../diagnostics/diagnostic.ts';
import type { Keyword } from '../keyword.ts';
import { readText } from '../values.ts';

/** The stage of a job. */
export const stage: Keyword<Spanned<string>> = {
  name: 'stage',
  scopes: ['job'],
  read: (entry, reading) => {
    const value = readText(entry.value, 'stage', reading);
    return value === undefined ? undefined : { value, span: entry.value.span };
  },
};
