import type { Keyword } from '../keyword.ts';
import { readTexts } from '../values.ts';

/** What a job is merged on top of; resolved before any other keyword of a job is read. */
export const extendsKeyword: Keyword<readonly string[]> = {
  name: 'extends',
  scopes: ['job'],
  read: (entry, reading) => readTexts(entry.value, 'extends', reading),
};
