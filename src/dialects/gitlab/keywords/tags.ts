import type { Keyword } from '../keyword.ts';
import { simulated } from '../support.ts';
import { readTexts } from '../values.ts';

/** Which runners may take the job on a server. */
export const tags: Keyword<readonly string[]> = {
  name: 'tags',
  scopes: ['job', 'default'],
  support: simulated('checked; every job runs on this machine'),
  read: (entry, reading) => readTexts(entry.value, 'tags', reading),
};
