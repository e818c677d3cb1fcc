import { checkFields, isRecord, optionalRecord, optionalText } from '../http/incoming.ts';
import { emptyReply, jsonReply, type Reply } from '../http/reply.ts';
import { jobResponse } from '../payload/job-response.ts';
import type { Runner } from '../state/model.ts';
import { takeJob } from '../state/queue.ts';
import type { Store } from '../state/store.ts';
import { findRunner } from '../state/store.ts';
import { ApiError } from './api-error.ts';
import { authenticateRunner, heartbeat } from './authenticate.ts';
import type { Call } from './call.ts';

/** Workhorse reads so much of a request for a job. */
const maxBodyBytes = 32 * 1024;

/** `POST /jobs/request`: a job (201), none (204), or "ask again" (409). */
export async function requestJob(call: Call): Promise<Reply> {
  const { store, parameters, incoming } = call;
  if (incoming.body.length > maxBodyBytes) throw new ApiError(413, { message: '413 Request Entity Too Large' });
  if (await held(call)) return emptyReply(204);
  const runner = authenticateRunner(call);
  const manager = heartbeat(call, runner);
  const lastUpdate = optionalText(parameters, 'last_update');
  const info = optionalRecord(parameters, 'info');
  const session = optionalRecord(parameters, 'session');
  checkFields(info, 'info', {
    texts: ['name', 'version', 'revision', 'platform', 'architecture', 'executor'],
    records: ['features', 'config', 'labels'],
  });
  checkFields(session, 'session', { texts: ['url', 'certificate', 'authorization'] });
  const headers = { 'x-gitlab-last-update': runner.queueValue };
  if (runner.paused || lastUpdate === runner.queueValue) return emptyReply(204, headers);
  const { features } = info;
  const asking = { runner, manager, session, features: isRecord(features) ? features : {} };
  const found = takeJob(store, asking);
  switch (found.kind) {
    case 'job':
      return jsonReply(201, await jobResponse({ ...found, baseUrl: call.baseUrl, store }));
    case 'conflict':
      throw new ApiError(409, { message: '409 Conflict' }, { kind: 'state' });
    case 'nothing':
      return emptyReply(204, headers);
  }
}

/**
 * Workhorse's part: holds the request while the queue is as the runner last saw it. `true`: it was held, which is
 * answered by a bare 204, whether something changed or the time was over.
 */
async function held({ store, parameters, incoming }: Call): Promise<boolean> {
  const { longPollMs, clock } = store.settings;
  const { token, last_update: lastUpdate } = parameters.values;
  const runner = typeof token === 'string' ? findRunner(store, token) : undefined;
  if (longPollMs === 0 || runner === undefined || !lastUpdate || lastUpdate !== runner.queueValue) return false;
  const stop = new AbortController();
  const over = clock.sleep(longPollMs, AbortSignal.any([stop.signal, incoming.gone]));
  await Promise.race([over, queueChange(store, runner, stop.signal)]);
  stop.abort();
  return true;
}

function queueChange(store: Store, runner: Runner, until: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const listener = (id: number): void => {
      if (id === runner.id) resolve();
    };
    store.queueListeners.add(listener);
    until.addEventListener('abort', () => store.queueListeners.delete(listener), { once: true });
  });
}
