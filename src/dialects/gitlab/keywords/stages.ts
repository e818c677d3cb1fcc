import type { Keyword } from '../keyword.ts';
import { readTexts } from '../values.ts';

/** The stages in order, nested lists flattened, each once, without `.pre` and `.post`. */
export const stages: Keyword<readonly string[]> = {
  name: 'stages',
  scopes: ['global'],
  read: (entry, reading) => {
    // What is no list was told of; the default keeps every job's stage from being told of too.
    if (entry.value.kind === 'map') return undefined;
    const names = readTexts(entry.value, 'stages', reading);
    return [...new Set(names)].filter((name) => name !== '.pre' && name !== '.post');
  },
};

/** What GitLab assumes when a file has no `stages`. Source: https://docs.gitlab.com/ci/yaml/#stages */
export const defaultStages: readonly string[] = ['build', 'test', 'deploy'];
