import type { Keyword } from '../keyword.ts';
import { readBoolean } from '../values.ts';

/** Whether a newer pipeline may cancel the job. */
export const interruptible: Keyword<boolean> = {
  name: 'interruptible',
  scopes: ['job', 'default'],
  read: (entry, reading) => readBoolean(entry.value, 'interruptible', reading),
};
