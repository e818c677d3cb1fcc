import type { Keyword } from '../keyword.ts';
import { simulated } from '../support.ts';
import { readBoolean } from '../values.ts';

/** Whether a newer pipeline may cancel the job. */
export const interruptible: Keyword<boolean> = {
  name: 'interruptible',
  scopes: ['job', 'default'],
  support: simulated('checked; no newer run cancels an older one on this machine'),
  read: (entry, reading) => readBoolean(entry.value, 'interruptible', reading),
};
