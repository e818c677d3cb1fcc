import { errorText } from './error-text.ts';
import { discard } from './exchange.ts';
import type { GitlabClient, TracePatch, TracePatched } from './gitlab-client.ts';
import { isOver } from './job-calls.ts';
import type { JobCredentials } from './payload.ts';
import { jobStatusOf, remoteJobOf } from './remote-job.ts';
import type { Answer, Transport } from './transport.ts';

/** Sending a piece of a job's log. */
export function traceCall(transport: Transport): Pick<GitlabClient, 'patchTrace'> {
  return {
    async patchTrace(job, patch, signal) {
      const { content, startOffset } = patch;
      if (content.length === 0) {
        return { state: 'succeeded', sentOffset: startOffset, cancelRequested: false, updateIntervalSeconds: 0 };
      }
      try {
        return await patched(transport, job, patch, await send(transport, job, patch, signal));
      } catch (error) {
        const status = (error as Error)?.message ?? String(error);
        transport.given.log('error', 'Appending trace to coordinator... error', { job: job.id, status });
        return { state: 'failed', sentOffset: startOffset, cancelRequested: false, updateIntervalSeconds: 0 };
      }
    },
  };
}

function send(
  transport: Transport,
  job: JobCredentials,
  { content, startOffset, debugTrace }: TracePatch,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  return transport.call({
    method: 'PATCH',
    path: `jobs/${job.id}/trace?debug_trace=${debugTrace === 'on'}`,
    headers: {
      'JOB-TOKEN': job.token,
      'Content-Type': 'text/plain',
      'Content-Range': `${startOffset}-${startOffset + content.length - 1}`,
    },
    body: { kind: 'bytes', bytes: content },
    signal,
  });
}

async function patched(
  transport: Transport,
  job: JobCredentials,
  { content, startOffset }: TracePatch,
  answer: Answer,
): Promise<TracePatched> {
  const { status, headers, correlationId } = answer;
  const text = status === 202 ? answer.statusText : await errorText('PATCH', answer);
  if (status === 202) await discard(answer);
  const { log } = transport.given;
  const remote = remoteJobOf(headers, (message) => log('warning', message, { job: job.id }));
  const { state, sentOffset } = stateOf(answer, startOffset, content.length);
  log(state === 'succeeded' ? 'debug' : 'warning', `Appending trace to coordinator... ${state}`, {
    job: job.id,
    sent_log: `${startOffset}-${startOffset + content.length - 1}`,
    job_log: typeof headers['range'] === 'string' ? headers['range'] : undefined,
    status: text,
    job_status: jobStatusOf(headers) || undefined,
    update_interval: remote.updateIntervalSeconds || undefined,
    correlation_id: correlationId,
  });
  // A job that is over is not being canceled any more.
  return { state, sentOffset, ...remote };
}

function stateOf(answer: Answer, start: number, length: number): Pick<TracePatched, 'state' | 'sentOffset'> {
  const { status, headers } = answer;
  if (isOver(jobStatusOf(headers)) || status === 403) return { state: 'abort', sentOffset: start };
  switch (status) {
    case 202:
      return { state: 'succeeded', sentOffset: start + length };
    case 404:
      return { state: 'not-found', sentOffset: start };
    case 416:
      return { state: 'range-mismatch', sentOffset: lengthThere(headers['range']) };
    default:
      return { state: 'failed', sentOffset: start };
  }
}

/** `0-1234`: the server has 1234 bytes. Anything else: begin anew. */
function lengthThere(range: unknown): number {
  const parts = typeof range === 'string' ? range.split('-') : [];
  const length = parts.length === 2 && /^\d+$/.test(parts[1]!.trim()) ? Number(parts[1]) : 0;
  return Number.isSafeInteger(length) ? length : 0;
}
