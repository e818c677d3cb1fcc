import type { Keyword } from '../keyword.ts';
import { readDuration } from '../values.ts';

/** How long the job may take, in milliseconds. */
export const timeout: Keyword<number> = {
  name: 'timeout',
  scopes: ['job', 'default'],
  read: (entry, reading) => readDuration(entry.value, 'timeout', reading),
};
