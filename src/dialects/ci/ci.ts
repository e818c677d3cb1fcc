import type { Dialect } from '../dialect.ts';
import { compile } from '../gitlab/compile.ts';
import type { Vocabulary } from '../gitlab/vocabulary.ts';
import { normalise } from './normalise.ts';
import { readSteps } from './read-steps.ts';

const vocabulary: Vocabulary = { schema: 'ci', scalars: 'yaml-1.1', normalise, readSteps };

/** `.ci.yml`: GitLab's words, also under `jobs:`, and jobs that may list their steps one by one. */
export const ci: Dialect = {
  name: 'ci',
  scalars: vocabulary.scalars,
  compile: (entry, given) => compile(entry, given, vocabulary),
};
