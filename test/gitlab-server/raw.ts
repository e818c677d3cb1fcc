import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type FakeClock, settled } from '../support/fake-clock.ts';
import type { GitlabServer } from './gitlab-server.ts';

/** What a test sends: a body as JSON, or bytes. */
export interface RawRequest {
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly body?: string | Buffer;
  readonly ca?: string;
  /** What the client shows of itself. */
  readonly certificate?: { readonly key: string; readonly cert: string };
}

export interface RawResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  /** The body as JSON; `undefined` where it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  readonly json: any;
}

/** One request, on a connection of its own; rejects where the answer is not whole. */
export function raw(
  address: string,
  method: string,
  { headers, json, body, ca, certificate }: RawRequest = {},
): Promise<RawResponse> {
  const content = json === undefined ? body : JSON.stringify(json);
  const type = json === undefined ? {} : { 'content-type': 'application/json' };
  const length = content === undefined ? {} : { 'content-length': Buffer.byteLength(content) };
  const send = address.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const options = {
      method,
      agent: false,
      headers: { ...type, ...length, ...headers },
      ...(ca ? { ca } : {}),
      ...certificate,
    };
    const request = send(address, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const whole = Buffer.concat(chunks);
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: whole,
          text: whole.toString(),
          json: parse(whole.toString()),
        });
      });
    });
    request.on('error', reject);
    request.end(content);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The runner's API: path below `/api/v4/`. */
export function api(server: GitlabServer, method: string, path: string, request?: RawRequest): Promise<RawResponse> {
  return raw(`${server.url}/api/v4/${path}`, method, request);
}

/** All features a job may need, and none that changes how the protocol goes. */
export const allFeatures = {
  refspecs: true,
  upload_multiple_artifacts: true,
  artifacts_exclude: true,
  multi_build_steps: true,
  return_exit_code: true,
  fallback_cache_keys: true,
} as const;

/** `POST /jobs/request`. */
export function askForJob(
  server: GitlabServer,
  token: string,
  more: { readonly features?: object; readonly last_update?: string; readonly system_id?: string } = {},
): Promise<RawResponse> {
  const { features = allFeatures, ...rest } = more;
  return api(server, 'POST', 'jobs/request', { json: { token, system_id: 's_1', info: { features }, ...rest } });
}

/** `PATCH /jobs/:id/trace` as a correct runner sends it. */
export function patch(
  server: GitlabServer,
  job: { readonly id: number; readonly token: string },
  start: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawResponse> {
  const end = start + Buffer.byteLength(text) - 1;
  return api(server, 'PATCH', `jobs/${job.id}/trace?debug_trace=false`, {
    headers: { 'job-token': job.token, 'content-type': 'text/plain', 'content-range': `${start}-${end}`, ...headers },
    body: text,
  });
}

/** `PUT /jobs/:id`. */
export function put(
  server: GitlabServer,
  job: { readonly id: number; readonly token: string },
  update: Readonly<Record<string, unknown>>,
): Promise<RawResponse> {
  return api(server, 'PUT', `jobs/${job.id}`, { json: { token: job.token, ...update } });
}

export interface RawUpload {
  readonly query?: string;
  readonly content?: Buffer;
  readonly fields?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly partName?: string;
  readonly fileName?: string;
}

/** `POST /jobs/:id/artifacts` with a multipart body made by hand. */
export function upload(
  server: GitlabServer,
  job: { readonly id: number; readonly token: string },
  {
    query = '',
    content = emptyZip,
    fields = {},
    headers,
    partName = 'file',
    fileName = 'artifacts.zip',
  }: RawUpload = {},
): Promise<RawResponse> {
  const part = (disposition: string, body: Buffer): readonly Buffer[] => [
    Buffer.from(`--frontier\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n`),
    body,
    Buffer.from('\r\n'),
  ];
  const parts = [
    ...Object.entries(fields).flatMap(([name, value]) => part(`name="${name}"`, Buffer.from(value))),
    ...part(`name="${partName}"; filename="${fileName}"`, content),
    Buffer.from('--frontier--\r\n'),
  ];
  return api(server, 'POST', `jobs/${job.id}/artifacts${query}`, {
    headers: { 'job-token': job.token, 'content-type': 'multipart/form-data; boundary=frontier', ...headers },
    body: Buffer.concat(parts),
  });
}

/** A zip file with nothing in it. */
export const emptyZip = Buffer.concat([Buffer.from('PK\u0005\u0006', 'latin1'), Buffer.alloc(18)]);

/** Waits until the server sleeps on a request: then that has arrived. */
export async function asleep(clock: FakeClock): Promise<void> {
  for (let turn = 0; clock.sleepers === 0; turn++) {
    if (turn === 10_000) throw new Error('the server does not wait for anything');
    await settled();
  }
}
