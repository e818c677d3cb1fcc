import { notRun } from '../keyword.ts';

/** Makes a release after the job's script. */
export const release = notRun('release', ['job'], 'the job runs without it and no release is made', [
  'tag_name',
  'tag_message',
  'name',
  'description',
  'ref',
  'milestones',
  'released_at',
  'assets:links',
]);
