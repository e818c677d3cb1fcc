import { notRun } from '../keyword.ts';

/** Variables from a vault. */
export const secrets = notRun('secrets', ['job'], 'the job runs without these variables');
