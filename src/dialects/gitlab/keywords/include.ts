import { type IncludeEntry, readIncludes } from '../include-entry.ts';
import type { Keyword } from '../keyword.ts';
import { ignored, runs } from '../support.ts';

const elsewhere = [
  'project',
  'project:file',
  'project:ref',
  'remote',
  'remote:integrity',
  'remote:cache',
  'template',
  'component',
] as const;

/** Other files that are merged below this one. They are read before any other keyword. */
export const include: Keyword<readonly IncludeEntry[]> = {
  name: 'include',
  scopes: ['global'],
  parts: {
    ...runs('local', 'inputs', 'rules', 'rules:if', 'rules:exists', 'rules:changes', 'rules:when'),
    ...Object.fromEntries(elsewhere.map((part) => [part, ignored('what the file defines is missing')])),
  },
  read: (entry, reading) => readIncludes(entry.value, reading),
};
