import { notRun } from '../keyword.ts';

/** Inputs of a manual job. */
export const inputs = notRun('inputs', ['job'], 'the job runs without its inputs', ['interpolation']);
