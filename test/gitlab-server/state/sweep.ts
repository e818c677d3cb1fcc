import { isFinished, type Job } from './model.ts';
import type { Store } from './store.ts';
import { timeoutOf } from './timeout.ts';
import { drop } from './transitions.ts';

/** What a running job may be late beyond its timeout before the server ends it. */
const timeoutBufferMs = 15 * 60_000;

/** What GitLab's cron jobs do: drops jobs that nobody speaks for. */
export function sweep(store: Store): void {
  for (const job of [...store.jobs.values()]) {
    const reason = isFinished(job) ? undefined : overdue(store, job);
    if (reason !== undefined) drop(store, job, reason);
  }
}

function overdue(store: Store, job: Job): string | undefined {
  const { ackTimeoutMs, heartbeatTimeoutMs } = store.settings;
  const now = store.now();
  if (job.waitingForAck !== undefined) {
    return now - job.waitingForAck.heardAtMs >= ackTimeoutMs ? 'runner_provisioning_timeout' : undefined;
  }
  if (job.status !== 'running' && job.status !== 'canceling') return undefined;
  if (now - job.updatedAtMs >= heartbeatTimeoutMs) return 'stuck_or_timeout_failure';
  const running = now - (job.startedAtMs ?? now);
  return running >= timeoutOf(job) * 1000 + timeoutBufferMs ? 'job_execution_server_timeout' : undefined;
}
