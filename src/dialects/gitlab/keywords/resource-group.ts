import type { Keyword } from '../keyword.ts';
import { readText } from '../values.ts';

/** Jobs of one group never run at the same time; variables are not expanded yet. */
export const resourceGroup: Keyword<string> = {
  name: 'resource_group',
  scopes: ['job'],
  read: (entry, reading) => readText(entry.value, 'resource_group', reading),
};
