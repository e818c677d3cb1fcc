import type { Dialect } from '../dialect.ts';
import { compile } from './compile.ts';
import { gitlabVocabulary } from './vocabulary.ts';

/** GitLab's `.gitlab-ci.yml`; any other YAML file that no dialect claims is taken for one. */
export const gitlab: Dialect = {
  name: 'gitlab',
  scalars: gitlabVocabulary.scalars,
  compile: (entry, given) => compile(entry, given, gitlabVocabulary),
};
