import { optionalBoolean } from '../http/incoming.ts';
import { emptyReply, type Reply } from '../http/reply.ts';
import type { Job } from '../state/model.ts';
import { drop } from '../state/transitions.ts';
import { ApiError, badParameter, forbidden } from './api-error.ts';
import { authenticateJob, heartbeatOf } from './authenticate.ts';
import type { Call } from './call.ts';

/** Seconds until the next patch: while somebody watches the log, and while nobody does. */
const interval = { watched: '3', unwatched: '60' } as const;

/** `PATCH /jobs/:id/trace`: puts a piece at the end of the log. */
export function patchTrace(call: Call): Reply {
  const debugTrace = optionalBoolean(call.parameters, 'debug_trace');
  const job = authenticateJob(call);
  heartbeatOf(call, job);
  const range = call.incoming.headers['content-range'];
  if (range === undefined) throw badParameter('400 Missing header Content-Range');
  const start = leadingNumber(range.split('-')[0] ?? '');
  const content = hideTokens(job, call.incoming.body);
  const end = start + content.length;
  checkForm(call, range, start, end);
  if (start === 0 && debugTrace === true) job.debugTrace = true;
  if (end > call.store.settings.traceLimit) {
    drop(call.store, job, 'trace_size_exceeded');
    throw forbidden(undefined, { kind: 'state' });
  }
  append(call, job, content, start);
  // What the server has is compared with the end alone: a piece that came twice is taken a second time, unchanged.
  if (job.traceSize !== end) {
    const headers = { range: `0-${job.traceSize}` };
    throw new ApiError(416, { error: '416 Range Not Satisfiable' }, { headers, kind: 'state' });
  }
  return emptyReply(202, {
    'job-status': job.status,
    range: `0-${job.traceSize}`,
    'x-gitlab-trace-update-interval': job.watched ? interval.watched : interval.unwatched,
  });
}

function append(call: Call, job: Job, content: Buffer, start: number): void {
  if (start === job.traceSize) {
    job.trace.push(content);
    job.traceSize += content.length;
  } else if (start > job.traceSize) {
    call.note('trace-gap', `a piece begins at ${start}, the log ends at ${job.traceSize}`);
  }
}

/** What GitLab does not refuse, but would not get from a correct client. */
function checkForm(call: Call, range: string, start: number, end: number): void {
  const { headers, body } = call.incoming;
  if (range !== `${start}-${end - 1}`) call.note('content-range', `"${range}" for ${body.length} bytes from ${start}`);
  if (body.length === 0) call.note('empty-patch', 'a piece without content');
  if (!/^text\/plain\b/.test(headers['content-type'] ?? '')) {
    call.note('patch-content-type', `"${headers['content-type']}" where text/plain is due`);
  }
}

/** As Ruby's `to_i`: the digits that a text begins with. */
function leadingNumber(text: string): number {
  return Number(/^\s*(\d+)/.exec(text)?.[1] ?? 0);
}

/** The server hides the job's own token, by as many bytes. */
function hideTokens(job: Job, content: Buffer): Buffer {
  if (!content.includes(job.token)) return content;
  const text = content.toString('latin1');
  return Buffer.from(text.replaceAll(job.token, '[MASKED]'.padEnd(job.token.length, 'x')), 'latin1');
}
