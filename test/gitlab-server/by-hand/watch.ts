import type { GitlabServer } from '../gitlab-server.ts';
import { isFinished, type Job, type Pipeline, traceOf } from '../state/model.ts';
import { currentJobs } from '../state/order.ts';

/** Writes what happens to jobs, and their logs as they come, each line with the job's name before it. */
export function watchJobs(server: GitlabServer, write: (text: string) => void): void {
  const shown = new Map<number, number>();
  const told = { refusals: 0 };
  server.store.jobListeners.add((job) => {
    show(job, isFinished(job));
    const reason = job.failureReason === undefined ? '' : ` (${job.failureReason})`;
    write(`== ${job.description.name} #${job.id}: ${job.status}${reason}\n`);
  });
  server.store.requestListeners.add(() => {
    for (const job of server.store.jobs.values()) show(job, false);
    for (const { code, message, request } of server.violations.slice(told.refusals)) {
      write(`!! ${code}: ${message} [${request.method} ${request.path}]\n`);
    }
    told.refusals = server.violations.length;
  });
  const show = (job: Job, isLast: boolean): void => {
    const from = shown.get(job.id) ?? 0;
    if (job.traceSize <= from) return;
    const trace = traceOf(job);
    const end = isLast ? trace.length : trace.lastIndexOf(0x0a) + 1;
    if (end <= from) return;
    shown.set(job.id, end);
    const lines = trace.toString('utf8', from, end).replace(/\n$/, '').split('\n');
    write(lines.map((line) => `${job.description.name} | ${withShortTime(line)}\n`).join(''));
  };
}

/** Runners may write `2026-01-02T03:04:05.123456Z 01O ` before each line; `+` at its end goes on with the one before. */
function withShortTime(line: string): string {
  return line.replace(/^[\d-]{10}T([\d:]{8})\.\d{6}Z [0-9a-f]{2}[OE]([ +])/, '$1$2');
}

/** Nothing of the pipeline will change any more, unless by hand. */
export function isOver(pipeline: Pipeline): boolean {
  return currentJobs(pipeline).every((job) => isFinished(job) || job.status === 'manual');
}

/** No job failed that may not fail. */
export function isGood(pipeline: Pipeline): boolean {
  return currentJobs(pipeline).every(
    ({ status, description }) => !['failed', 'canceled'].includes(status) || Boolean(description.allowFailure),
  );
}
