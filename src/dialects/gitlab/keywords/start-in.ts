import type { Node } from '../../../syntax/node.ts';
import type { Keyword } from '../keyword.ts';
import type { Reading } from '../reading.ts';
import { readDuration } from '../values.ts';

/** GitLab's limit. Source: https://docs.gitlab.com/ci/jobs/job_control/#run-a-job-after-a-delay */
const longestMs = 7 * 86_400_000;

/** How long a delayed job waits, in milliseconds. */
export const startIn: Keyword<number> = {
  name: 'start_in',
  scopes: ['job'],
  read: (entry, reading) => readStartIn(entry.value, 'start_in', reading),
};

/** The `start_in` of a job or of a rule, in milliseconds. */
export function readStartIn(node: Node, what: string, reading: Reading): number | undefined {
  const ms = readDuration(node, what, reading);
  if (ms !== undefined && ms > longestMs) {
    reading.report({
      code: 'gitlab/start-in',
      severity: 'error',
      message: `\`${what}\` may be one week at most`,
      span: node.span,
    });
  }
  return ms;
}
