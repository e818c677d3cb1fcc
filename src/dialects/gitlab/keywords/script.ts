import type { Keyword } from '../keyword.ts';
import { readTexts } from '../values.ts';

/** Commands of a job. Empty is a mistake of the job, which its reader tells. */
export const script: Keyword<readonly string[]> = {
  name: 'script',
  scopes: ['job'],
  read: (entry, reading) => readTexts(entry.value, 'script', reading),
};
