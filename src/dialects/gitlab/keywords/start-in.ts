import type { Keyword } from '../keyword.ts';
import { readDuration } from '../values.ts';

/** GitLab's limit. Source: https://docs.gitlab.com/ci/jobs/job_control/#run-a-job-after-a-delay */
const longestMs = 7 * 86_400_000;

/** How long a delayed job waits, in milliseconds. */
export const startIn: Keyword<number> = {
  name: 'start_in',
  scopes: ['job'],
  read: (entry, reading) => {
    const ms = readDuration(entry.value, 'start_in', reading);
    if (ms !== undefined && ms > longestMs) {
      reading.report({
        code: 'gitlab/start-in',
        severity: 'error',
        message: '`start_in` may be one week at most',
        span: entry.value.span,
      });
    }
    return ms;
  },
};
