import type { Spanned } from '../../../diagnostics/diagnostic.ts';
import type { Keyword } from '../keyword.ts';
import { simulated } from '../support.ts';
import { readText } from '../values.ts';

/** Older place of `pages:publish`; the span is that of the key. */
export const publish: Keyword<Spanned<string>> = {
  name: 'publish',
  scopes: ['job'],
  support: simulated('as `pages:publish`'),
  read: (entry, reading) => {
    const value = readText(entry.value, 'publish', reading);
    return value === undefined ? undefined : { value, span: entry.keySpan };
  },
};
