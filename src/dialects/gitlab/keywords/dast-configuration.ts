import { notRun } from '../keyword.ts';

/** Profiles of the DAST template. */
export const dastConfiguration = notRun('dast_configuration', ['job'], 'the job runs without the profile', [
  'site_profile',
  'scanner_profile',
]);
