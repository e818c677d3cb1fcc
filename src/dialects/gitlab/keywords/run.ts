import { notRun } from '../keyword.ts';

/** Steps (functions) instead of a script. */
export const run = notRun('run', ['job'], 'the job fails and says so', [
  'name',
  'script',
  'step',
  'func',
  'env',
  'inputs',
]);
