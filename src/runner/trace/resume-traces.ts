import { limiter } from '../../util/limiter.ts';
import type { Credentials, GitlabClient } from '../network/gitlab-client.ts';
import type { JobCredentials } from '../network/payload.ts';
import { reopenJobTrace, type TraceGiven } from './job-trace.ts';
import { type LeftTrace, type TraceResult, takeLeftTraces } from './trace-record.ts';
import type { Reported } from './trace-sender.ts';

/** What resuming needs. */
export interface ResumeGiven extends Omit<TraceGiven, 'client'> {
  /** Where logs lie. */
  readonly directory: string;
  /** A client for calls about jobs: they don't need the runner's token. */
  readonly clientFor: (server: Omit<Credentials, 'token'>) => GitlabClient;
}

/** What became of a job whose process had died, or had not reached the server. */
export interface Resumed {
  readonly job: JobCredentials;
  /** What the server was told. */
  readonly result: TraceResult;
  readonly reported: Reported;
}

/** Logs that are sent at the same time. */
const atOnce = 4;

const farewell = Buffer.from(
  '\x1b[31;1mERROR: Job failed (system failure): the runner ended while the job was running\x1b[0;m\n',
);

const interrupted: TraceResult = { state: 'failed', failureReason: 'runner_system_failure', exitCode: 0 };

/**
 * From time to time: sends the logs of jobs that an earlier process left when it died, or any process when the server did
 * not answer for long. A job that had ended is reported as it ended, one that was running as failed, with its log so far.
 * Several processes may do it at the same time.
 */
export async function resumeLeftTraces(given: ResumeGiven): Promise<readonly Resumed[]> {
  const inTurn = limiter(atOnce);
  const left = await takeLeftTraces(given.directory);
  return Promise.all(left.map((one) => inTurn(() => resume(one, given))));
}

async function resume(left: LeftTrace, given: ResumeGiven): Promise<Resumed> {
  const { job, server, result = interrupted } = left.record;
  const trace = await reopenJobTrace(left, { ...given, client: given.clientFor(server) });
  if (left.record.result === undefined) await trace.sink.write(farewell).catch(() => {});
  given.log('warning', 'Sending the log of a job that is not reported yet', { job: job.id, result: result.state });
  return { job, result, reported: await trace.finish(result) };
}
