import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError } from './api/api-error.ts';
import { jobToken } from './api/authenticate.ts';
import type { Call, Endpoint } from './api/call.ts';
import type { RateLimiter } from './api/rate-limit.ts';
import type { LoggedRequest, Violation } from './api/request-log.ts';
import { faultBefore, sendReply } from './faults/carry-out.ts';
import type { DecideFault } from './faults/fault.ts';
import { type Incoming, optionalText, readParameters } from './http/incoming.ts';
import { jsonReply, type Reply } from './http/reply.ts';
import type { RateLimits } from './options.ts';
import type { Route } from './routes.ts';
import type { Store } from './state/store.ts';
import { sweep } from './state/sweep.ts';

/** Routes that are not of the runner's interface. */
const outside: readonly string[] = ['git', 'storage'];

/** What serving a request needs of the server. */
export interface Surroundings {
  readonly store: Store;
  readonly limiter: RateLimiter;
  readonly requests: LoggedRequest[];
  readonly violations: Violation[];
  /** How often each route and id was asked. */
  readonly asked: Map<string, number>;
  readonly closing: AbortSignal;
  decideFault(): DecideFault | undefined;
  baseUrl(): string;
  storageUrl(): string | undefined;
  restart(downMs: number): Promise<void>;
}

/** What is known of a request when it arrives. */
export interface Arrival {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  /** Below the relative URL. */
  readonly path: string;
  readonly route: Route;
}

/** Serves one request: log, fault, parameters, limits, endpoint, answer. */
export async function serve(arrival: Arrival, server: Surroundings): Promise<void> {
  const { request, response } = arrival;
  const logged = logArrival(arrival, server);
  const gone = new AbortController();
  response.on('close', () => {
    if (response.writableFinished) return;
    logged.goneEarly = logged.fault === undefined;
    gone.abort();
  });
  const { settings } = server.store;
  const { clock } = settings;
  const address = `${new URL(server.baseUrl()).origin}${request.url ?? ''}`;
  const until = AbortSignal.any([gone.signal, server.closing]);
  const sleep = async (ms: number): Promise<void> => (ms > 0 ? clock.sleep(ms, until) : undefined);
  const means = { sleep, restart: server.restart, address };
  const before = await faultBefore(logged.fault, request, means);
  if (before.body !== undefined && settings.requestBodies === 'kept') logged.body = before.body;
  if (before.kind === 'over') {
    logged.status = before.reply?.status;
    if (before.reply !== undefined) await sendReply(undefined, before.reply, response, means);
    return;
  }
  const incoming: Incoming = {
    method: logged.method,
    path: arrival.path,
    query: arrival.url.searchParams,
    headers: request.headers,
    body: before.body,
    gone: AbortSignal.any([gone.signal, server.closing]),
  };
  const reply = await answer(arrival, incoming, logged, server);
  logged.status = reply.status;
  for (const listener of [...server.store.requestListeners]) listener();
  await sendReply(logged.fault, reply, response, means);
}

function logArrival({ request, url, path, route }: Arrival, server: Surroundings): LoggedRequest {
  const method = request.method ?? 'GET';
  const jobId = /^\d+$/.test(route.id ?? '') ? Number(route.id) : undefined;
  const key = `${route.name} ${jobId ?? ''}`;
  const nth = server.asked.get(key) ?? 0;
  server.asked.set(key, nth + 1);
  const logged: LoggedRequest = {
    atMs: server.store.now(),
    method,
    path: url.pathname,
    query: url.search.slice(1),
    headers: request.headers,
    route: route.name,
    jobId,
    body: Buffer.alloc(0),
    fault: server.decideFault()?.({ method, route: route.name, path, jobId, nth }),
    status: undefined,
    goneEarly: false,
  };
  server.requests.push(logged);
  return logged;
}

async function answer(
  { route }: Arrival,
  incoming: Incoming,
  logged: LoggedRequest,
  server: Surroundings,
): Promise<Reply> {
  const { store, violations } = server;
  const note = (code: string, message: string): void => {
    violations.push({ code, message, request: logged });
  };
  try {
    sweep(store);
    if (store.migrating && !outside.includes(route.name)) throw backOff();
    const parameters = outside.includes(route.name) ? { values: {}, files: new Map() } : readParameters(incoming);
    const [baseUrl, storageUrl] = [server.baseUrl(), server.storageUrl()];
    const call: Call = { store, incoming, parameters, id: route.id, logged, baseUrl, storageUrl, note };
    if (route.limit !== undefined) server.limiter.check(route.limit, limitedToken(call, route.limit));
    return await run(route.endpoint, call);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.kind === 'protocol') note(`refused-${error.status}`, JSON.stringify(error.body));
    return jsonReply(error.status, error.body, error.headers);
  }
}

async function run(endpoint: Endpoint, call: Call): Promise<Reply> {
  return endpoint(call);
}

function limitedToken(call: Call, limit: keyof RateLimits): string {
  return limit === 'jobsRequest' ? (optionalText(call.parameters, 'token') ?? '') : jobToken(call);
}

function backOff(): ApiError {
  const message = 'Executing database migrations. Please retry later.';
  return new ApiError(429, { message: { error: message } }, { headers: { 'retry-after': '60' }, kind: 'state' });
}
