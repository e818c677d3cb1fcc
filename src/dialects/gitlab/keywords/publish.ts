import { notRun } from '../keyword.ts';

/** The folder that Pages publishes; the old spelling. */
export const publish = notRun('publish', ['job'], 'the job runs and nothing is published');
