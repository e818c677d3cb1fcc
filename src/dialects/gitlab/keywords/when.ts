import type { When } from '../../../model/pipeline.ts';
import type { Keyword } from '../keyword.ts';
import { readWord } from '../values.ts';

/** `never` is for rules alone. */
const whens = ['on_success', 'on_failure', 'always', 'manual', 'delayed'] as const satisfies readonly When[];

/** In which state of the pipeline the job starts. */
export const when: Keyword<Exclude<When, 'never'>> = {
  name: 'when',
  scopes: ['job'],
  read: (entry, reading) => readWord(entry.value, 'when', whens, reading),
};
