import { type IncludeEntry, readIncludes } from '../include-entry.ts';
import type { Keyword } from '../keyword.ts';

/** Other files that are merged below this one. They are read before any other keyword. */
export const include: Keyword<readonly IncludeEntry[]> = {
  name: 'include',
  scopes: ['global'],
  read: (entry, reading) => readIncludes(entry.value, reading),
};
