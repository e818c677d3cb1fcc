import { notRun } from '../keyword.ts';

/** The old way to say when a job is in the pipeline. */
export const only = notRun('only', ['job'], 'the job is in the pipeline whatever the event');
