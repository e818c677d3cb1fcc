import { type IncludeEntry, readIncludes } from '../include-entry.ts';
import type { Keyword } from '../keyword.ts';
import { runs, simulated } from '../support.ts';

/** Other files that are merged below this one. They are read before any other keyword. */
export const include: Keyword<readonly IncludeEntry[]> = {
  name: 'include',
  scopes: ['global'],
  parts: {
    ...runs('local', 'inputs', 'rules', 'rules:if', 'rules:exists', 'rules:changes', 'rules:when'),
    ...runs('project', 'project:file', 'project:ref', 'remote', 'remote:integrity', 'remote:cache'),
    template: simulated('the file comes from a checkout of GitLab that is named, else from gitlab.com as it is today'),
    component: simulated('tags that look like versions count as releases'),
  },
  read: (entry, reading) => readIncludes(entry.value, reading),
};
