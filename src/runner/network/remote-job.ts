import type { IncomingHttpHeaders } from 'node:http';
import type { RemoteJob } from './gitlab-client.ts';

/** The header `Job-Status`; '' : none. */
export function jobStatusOf(headers: IncomingHttpHeaders): string {
  const status = headers['job-status'];
  return (Array.isArray(status) ? status[0] : status) ?? '';
}

/**
 * What the headers of an answer say of a job.
 * @param warn told of an interval that is no number.
 */
export function remoteJobOf(headers: IncomingHttpHeaders, warn: (message: string) => void): RemoteJob {
  return { cancelRequested: jobStatusOf(headers) === 'canceling', updateIntervalSeconds: intervalOf(headers, warn) };
}

function intervalOf(headers: IncomingHttpHeaders, warn: (message: string) => void): number {
  const header = headers['x-gitlab-trace-update-interval'];
  const text = (Array.isArray(header) ? header[0] : header) ?? '';
  if (text === '') return 0;
  const seconds = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(seconds)) return seconds;
  warn(`Failed to parse X-GitLab-Trace-Update-Interval ${JSON.stringify(text.slice(0, 40))}`);
  return 0;
}
