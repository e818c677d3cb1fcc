import { notRun } from '../keyword.ts';

/** JSON web tokens for other services. */
export const idTokens = notRun('id_tokens', ['job', 'default'], 'the job runs without these tokens', ['aud']);
