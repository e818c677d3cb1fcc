import { isRecord, optionalText, requiredText } from '../http/incoming.ts';
import { isExecuting, type Job, type Runner, type RunnerManager } from '../state/model.ts';
import { executingJobOf } from '../state/queue.ts';
import { findRunner } from '../state/store.ts';
import { ApiError, badParameter, forbidden } from './api-error.ts';
import type { Call } from './call.ts';

/** Managers of a runner that names no system id share this one. */
const legacySystemId = '<legacy>';

/** GitLab writes a machine's features down when it first sees it, and again at a random time from 40 minutes on. */
const keepFeaturesMs = 55 * 60_000;

/** The runner by the parameter `token`, which the endpoint requires; a header alone is not enough. */
export function authenticateRunner(call: Call): Runner {
  const token = requiredText(call.parameters, 'token');
  const header = call.incoming.headers['runner-token'];
  if (header !== undefined && header !== token)
    call.note('token-mismatch', 'RUNNER-TOKEN is not the token of the body');
  const runner = findRunner(call.store, token);
  if (runner === undefined) throw forbidden(undefined, { kind: 'state' });
  if (runner.orphaned) throw new ApiError(422, { message: 'Runner is orphaned' }, { kind: 'state' });
  return runner;
}

/** Finds or makes the manager that a request speaks for, and keeps what it says of itself. */
export function heartbeat(call: Call, runner: Runner): RunnerManager {
  const { store, parameters } = call;
  const systemId = optionalText(parameters, 'system_id') ?? legacySystemId;
  const { info } = parameters.values;
  const now = store.now();
  const known = runner.managers.get(systemId);
  const manager: RunnerManager = known ?? {
    systemId,
    contactedAtMs: now,
    info: {},
    kept: { features: {}, sinceMs: now },
  };
  manager.contactedAtMs = now;
  if (isRecord(info)) manager.info = info;
  const features = isRecord(manager.info['features']) ? manager.info['features'] : {};
  if (known === undefined || now - manager.kept.sinceMs >= keepFeaturesMs) manager.kept = { features, sinceMs: now };
  runner.managers.set(systemId, manager);
  return manager;
}

/** The parameter `token`, else the header `JOB-TOKEN`. */
export function jobToken(call: Call): string {
  const header = call.incoming.headers['job-token'];
  const token = optionalText(call.parameters, 'token');
  if (token !== undefined && header !== undefined && header !== token) {
    call.note('token-mismatch', 'JOB-TOKEN is not the token of the body');
  }
  return token ?? (typeof header === 'string' ? header : '');
}

/** The job in the path, if it is there at all. */
export function jobInPath(call: Call): Job | undefined {
  if (!/^\d+$/.test(call.id ?? '')) throw badParameter('id is invalid');
  return call.store.jobs.get(Number(call.id));
}

/**
 * The job in the path, by its own token. Everything wrong is 403, an unknown job too: the runner shall end its job.
 * `Job-Status` tells why where the job is over.
 */
export function authenticateJob(call: Call): Job {
  const job = jobInPath(call);
  const token = jobToken(call);
  if (job === undefined || job.token !== token) throw forbidden();
  if (job.tokenExpiresAtMs <= call.store.now()) throw forbidden(undefined, { kind: 'state' });
  if (!isExecuting(job)) {
    throw forbidden('Job is not processing on runner', { headers: { 'job-status': job.status }, kind: 'state' });
  }
  if (job.erased) throw forbidden('Job has been erased!', { kind: 'state' });
  if (job.pipeline.project.pendingDelete) throw forbidden('Project has been deleted!', { kind: 'state' });
  return job;
}

/** The running job whose token a download shows; it may read other jobs of its project. */
export function authenticateReader(call: Call): Job {
  const reader = executingJobOf(call.store, jobToken(call));
  if (reader === undefined) throw new ApiError(401, { message: '401 Unauthorized' }, { kind: 'state' });
  return reader;
}

/** The job's runner has been heard of. */
export function heartbeatOf({ store }: Call, job: Job): void {
  job.updatedAtMs = store.now();
  const manager = job.managerId === undefined ? undefined : job.runner?.managers.get(job.managerId);
  if (manager !== undefined) manager.contactedAtMs = store.now();
}
