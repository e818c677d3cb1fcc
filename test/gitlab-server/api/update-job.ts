import { crc32 } from 'node:zlib';
import { optionalInteger, optionalRecord, optionalText, requiredText } from '../http/incoming.ts';
import { type Reply, textReply } from '../http/reply.ts';
import { knownFailureReasons } from '../payload/failure-reasons.ts';
import { type Job, traceOf } from '../state/model.ts';
import { drop, setStatus, succeed } from '../state/transitions.ts';
import { authenticateJob, heartbeatOf } from './authenticate.ts';
import type { Call } from './call.ts';

/** So long the server waits for chunks before it ends a job without them. */
const acceptTimeoutMs = 5 * 60_000;

/** `PUT /jobs/:id`. */
export function updateJob(call: Call): Reply {
  requiredText(call.parameters, 'token');
  const job = authenticateJob(call);
  heartbeatOf(call, job);
  const update = readUpdate(call);
  const { status, backoff } = carryOut(call, job, update);
  return textReply(status, String(status), {
    'job-status': job.status,
    'x-gitlab-trace-update-interval': backoff === undefined ? '' : String(backoff),
  });
}

interface Update {
  readonly state: string;
  readonly failureReason: string | undefined;
  readonly exitCode: number | undefined;
  readonly checksum: string | undefined;
  readonly bytesize: number | undefined;
}

interface Result {
  readonly status: number;
  /** Seconds. */
  readonly backoff?: number;
}

function readUpdate({ parameters }: Call): Update {
  const output = { values: optionalRecord(parameters, 'output'), files: new Map() };
  return {
    state: optionalText(parameters, 'state') ?? '',
    failureReason: optionalText(parameters, 'failure_reason'),
    exitCode: optionalInteger(parameters, 'exit_code'),
    checksum: optionalText(output, 'checksum') ?? optionalText(parameters, 'checksum'),
    bytesize: optionalInteger(output, 'bytesize'),
  };
}

function carryOut(call: Call, job: Job, update: Update): Result {
  if (job.waitingForAck !== undefined) {
    const answer = confirm(call, job, update);
    if (answer !== undefined) return answer;
  }
  if (update.state !== 'running' && update.checksum !== undefined) {
    const waits = chunksWait(call, job);
    if (waits !== undefined) return { status: 202, backoff: waits };
    if (!noteChecksum(call, job, update)) return { status: 412 };
  }
  return finish(call, job, update);
}

/** The second phase of taking a job. `undefined`: the job runs now, and the update goes on as any other. */
function confirm(call: Call, job: Job, { state }: Update): Result | undefined {
  const { store } = call;
  const waiting = job.waitingForAck!;
  if (state === 'pending') {
    waiting.heardAtMs = store.now();
    return { status: 200 };
  }
  if (state !== 'running') {
    call.note('not-confirmed', `the job was never said to run, and now it is "${state}"`);
    return { status: 400 };
  }
  job.managerId = waiting.systemId;
  job.waitingForAck = undefined;
  setStatus(store, job, 'running');
  return undefined;
}

/** Seconds to wait for the log's chunks; `undefined`: none is missing, or the server has waited long enough. */
function chunksWait({ store }: Call, job: Job): number | undefined {
  const { liveTrace } = store.settings;
  if (liveTrace === 'off' || job.traceSize === 0) return undefined;
  const since = job.pendingStateAtMs;
  job.pendingStateAtMs ??= store.now();
  const waited = since === undefined ? 0 : store.now() - since;
  if (since !== undefined && (waited >= liveTrace.persistMs || waited > acceptTimeoutMs)) return undefined;
  const slot = waited <= 1000 ? 0 : Math.floor(Math.log2(waited / 1000)) - 1;
  return 2 ** Math.min(Math.max(slot, 0), 6);
}

/** Compares what the runner says of its log with what is here. `false`: it is wrong and that is refused. */
function noteChecksum(call: Call, job: Job, { checksum, bytesize }: Update): boolean {
  const actual = `crc32:${crc32(traceOf(job)).toString(16).padStart(8, '0')}`;
  const given = checksum!;
  const valid = given === actual && (bytesize ?? job.traceSize) === job.traceSize;
  job.checksums.push({ given, actual, bytesize, actualBytesize: job.traceSize, valid });
  if (valid) return true;
  call.note('bad-checksum', `${given} of ${bytesize} bytes, the log is ${actual} of ${job.traceSize} bytes`);
  return call.store.settings.badChecksum === 'note';
}

function finish(call: Call, job: Job, { state, failureReason, exitCode }: Update): Result {
  const { store } = call;
  switch (state) {
    case 'running':
      return { status: 200 };
    case 'success':
      succeed(store, job);
      return { status: 200 };
    case 'failed': {
      const known = [...knownFailureReasons, ...store.settings.failureReasons];
      const reason = failureReason || 'unknown_failure';
      if (!known.includes(reason)) call.note('unknown-failure-reason', `there is no reason "${reason}"`);
      drop(store, job, known.includes(reason) ? reason : 'unknown_failure', exitCode);
      return { status: 200 };
    }
    default:
      call.note('unknown-state', `state "${state}"`);
      return { status: 400 };
  }
}
