import type { Keyword } from '../keyword.ts';
import { readText } from '../values.ts';

/** A question before a manual job starts. */
export const manualConfirmation: Keyword<string> = {
  name: 'manual_confirmation',
  scopes: ['job'],
  read: (entry, reading) => readText(entry.value, 'manual_confirmation', reading),
};
