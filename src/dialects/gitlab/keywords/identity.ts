import { notRun } from '../keyword.ts';

/** Cloud credentials of the server. */
export const identity = notRun('identity', ['job', 'default'], 'the job runs without cloud credentials');
