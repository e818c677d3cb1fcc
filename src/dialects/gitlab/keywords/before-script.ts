import type { Keyword } from '../keyword.ts';
import { readTexts } from '../values.ts';

/** Commands before `script`, in the same shell. */
export const beforeScript: Keyword<readonly string[]> = {
  name: 'before_script',
  scopes: ['job', 'default', 'global'],
  read: (entry, reading) => readTexts(entry.value, 'before_script', reading),
};
