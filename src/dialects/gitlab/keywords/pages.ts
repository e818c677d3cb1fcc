import { notRun } from '../keyword.ts';

/** Publishes a static site. */
export const pages = notRun('pages', ['job'], 'the job runs and nothing is published', [
  'publish',
  'path_prefix',
  'expire_in',
]);
