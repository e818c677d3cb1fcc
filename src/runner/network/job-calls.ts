import { TLSSocket } from 'node:tls';
import { shortToken } from '../runner-log.ts';
import { caChainOf } from './ca-chain.ts';
import { decodeJob } from './decode-job.ts';
import type { GitlabClient, JobRequest, JobRequestOutcome, JobUpdate } from './gitlab-client.ts';
import { clientError, type JsonAnswer, jsonCall } from './json-call.ts';
import { type JobCredentials, withoutLogin } from './payload.ts';
import { jobStatusOf, remoteJobOf } from './remote-job.ts';
import type { CallsGiven } from './runner-calls.ts';

/** Getting jobs and telling what became of them. */
export function jobCalls(given: CallsGiven): Pick<GitlabClient, 'requestJob' | 'updateJob'> {
  return {
    requestJob: (request) => requestJob(given, request),
    async updateJob(job, update, signal) {
      const headers = { 'JOB-TOKEN': job.token };
      const body = updateBody(job, update);
      const call = { method: 'PUT', path: `jobs/${job.id}`, headers, body, expect: 200, answer: 'ignore' } as const;
      const answer = await jsonCall(given.transport, { ...call, signal }, given.last);
      const log = given.transport.given.log;
      const remote = remoteJobOf(answer.headers, (message) => log('warning', message, { job: job.id }));
      const state = updatedState(answer);
      log(levelOf(state, answer, update), `Updating job... ${state}`, {
        job: job.id,
        state: update.state,
        status: answer.text,
        job_status: jobStatusOf(answer.headers) || undefined,
        checksum: update.checksum,
        bytesize: update.bytesize,
        update_interval: remote.updateIntervalSeconds || undefined,
        correlation_id: answer.correlationId || undefined,
      });
      return { state, ...remote };
    },
  };
}

function updateBody(job: JobCredentials, update: JobUpdate): Readonly<Record<string, unknown>> {
  const { checksum, bytesize, exitCode, failureReason, runtimeEnvironmentKey } = update;
  const sum = checksum === undefined ? {} : { checksum };
  return {
    info: update.info,
    token: job.token,
    state: update.state,
    ...(failureReason === undefined || failureReason === '' ? {} : { failure_reason: failureReason }),
    ...sum,
    output: { ...sum, ...(bytesize === undefined ? {} : { bytesize }) },
    ...(exitCode === undefined || exitCode === 0 ? {} : { exit_code: exitCode }),
    ...(runtimeEnvironmentKey === undefined || runtimeEnvironmentKey === ''
      ? {}
      : { runtime_environment_key: runtimeEnvironmentKey }),
  };
}

function updatedState({
  status,
  headers,
}: JsonAnswer): 'succeeded' | 'accepted' | 'trace-rejected' | 'abort' | 'failed' {
  if (isOver(jobStatusOf(headers)) || status === 403) return 'abort';
  switch (status) {
    case 200:
      return 'succeeded';
    case 202:
      return 'accepted';
    case 412:
      return 'trace-rejected';
    case 404:
    case clientError:
      return 'abort';
    default:
      return 'failed';
  }
}

/** A server that repeats the failure which it was just told of is no surprise. */
function levelOf(
  state: ReturnType<typeof updatedState>,
  { status, headers }: JsonAnswer,
  update: JobUpdate,
): 'debug' | 'info' | 'warning' {
  const isEcho = status === 200 && jobStatusOf(headers) === update.state;
  if (state === 'succeeded' || isEcho) return 'debug';
  return state === 'accepted' ? 'info' : 'warning';
}

/** Does a status of the server's say that a job is over, whatever its runner does? */
export function isOver(jobStatus: string): boolean {
  return jobStatus === 'canceled' || jobStatus === 'failed';
}

async function requestJob(given: CallsGiven, request: JobRequest): Promise<JobRequestOutcome> {
  const { token, last, transport } = given;
  const body = {
    info: request.info,
    token,
    system_id: request.systemId,
    ...(last.value === '' ? {} : { last_update: last.value }),
    ...(request.session === undefined ? {} : { session: request.session }),
  };
  const headers = { 'RUNNER-TOKEN': token };
  const call = { method: 'POST', path: 'jobs/request', headers, body, expect: 201, answer: 'decode' } as const;
  const answer = await jsonCall(transport, { ...call, signal: request.signal }, last);
  const { status, retried } = answer;
  const say = (level: 'debug' | 'info' | 'warning' | 'error', how: string, fields = {}): void =>
    transport.given.log(level, `Checking for jobs... ${how}`, {
      runner: shortToken(token),
      ...fields,
      correlation_id: answer.correlationId || undefined,
    });
  if (answer.aborted) {
    say('debug', 'aborted');
    return { kind: 'aborted', healthy: true, retried };
  }
  switch (status) {
    case 201:
      return received(given, answer, say);
    case 204:
      say('debug', 'nothing');
      return { kind: 'nothing', healthy: true, retried };
    case 403:
      say('error', 'forbidden', { status: answer.statusText });
      return { kind: 'failed', status, why: answer.text, healthy: false, retried };
    case 503:
      say('warning', 'GitLab instance currently unavailable', { status: answer.statusText });
      return { kind: 'failed', status, why: answer.text, healthy: true, retried };
    case clientError:
      say('error', 'client error', { status: answer.statusText });
      return { kind: 'failed', status, why: answer.text, healthy: false, retried };
    default:
      say('warning', 'failed', { status: answer.text });
      return { kind: 'failed', status, why: answer.text, healthy: true, retried };
  }
}

type Say = (level: 'info' | 'error', how: string, fields?: Readonly<Record<string, string | number>>) => void;

async function received(given: CallsGiven, answer: JsonAnswer, say: Say): Promise<JobRequestOutcome> {
  const { retried, correlationId, socket } = answer;
  try {
    const job = decodeJob(answer.value);
    if (job.id <= 0) throw new Error('it has no number');
    say('info', 'received', { job: job.id, repo_url: withoutLogin(job.gitInfo.repoUrl) });
    const caFile = await given.transport.caFile();
    const chain = caFile === '' && socket instanceof TLSSocket ? caChainOf(socket) : caFile;
    return { kind: 'job', job, correlationId, caChain: chain, healthy: true, retried };
  } catch (error) {
    const why = `the job can't be read: ${(error as Error).message}`;
    say('error', 'failed', { status: why });
    return { kind: 'unreadable', credentials: credentialsIn(answer.value), why, healthy: true, retried };
  }
}

/** What can be had of a job that can't be decoded: enough to tell the server so. */
function credentialsIn(value: unknown): JobCredentials | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, token } = value as { readonly id?: unknown; readonly token?: unknown };
  const readable = Number.isSafeInteger(id) && typeof token === 'string' && token !== '';
  return readable ? { id: id as number, token } : undefined;
}
