import type { Spanned } from '../../../diagnostics/diagnostic.ts';
import type { Keyword } from '../keyword.ts';
import { flatItems, readText } from '../values.ts';

/** Whose artifacts the job fetches. */
export const dependencies: Keyword<readonly Spanned<string>[]> = {
  name: 'dependencies',
  scopes: ['job'],
  read: (entry, reading) =>
    flatItems(entry.value, 'dependencies', reading).flatMap((item) => {
      const value = readText(item, 'dependencies', reading);
      return value === undefined ? [] : [{ value, span: item.span }];
    }),
};
