import type { Keyword } from '../keyword.ts';
import { readTexts } from '../values.ts';

/** Commands after the job, in a shell of their own, whatever became of it. */
export const afterScript: Keyword<readonly string[]> = {
  name: 'after_script',
  scopes: ['job', 'default', 'global'],
  read: (entry, reading) => readTexts(entry.value, 'after_script', reading),
};
