import { notRun } from '../keyword.ts';

/** The old way to say when a job is not in the pipeline. */
export const except = notRun('except', ['job'], 'the job is in the pipeline whatever the event');
