import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage, STATUS_CODES } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { anySignal } from '../../util/any-signal.ts';
import { type Deferred, deferred } from '../../util/deferred.ts';
import type { Connections, Way } from './connections.ts';
import { networkError } from './network-error.ts';
import { longestTimerMs, type NetworkLimits } from './network-limits.ts';

/** What is sent. `stream`: opened anew for each time that it is sent. */
export type Body =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'stream'; readonly open: () => Promise<Readable> };

/** One request to one address. */
export interface Exchange {
  readonly method: string;
  readonly url: URL;
  /** `foreign`: a place that the server redirected to. */
  readonly place: 'own' | 'foreign';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Body | undefined;
  readonly signal: AbortSignal | undefined;
  readonly limits: NetworkLimits;
}

/** The head of a response. Its body has to be read to the end or destroyed. */
export interface Reply {
  readonly status: number;
  /** `404 Not Found` */
  readonly statusText: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
  readonly url: URL;
  readonly socket: Socket;
}

/** Bytes; Node's own limit is 16 KiB. */
const longestHead = 1024 * 1024;

/** What was to be sent could not be read; nothing is wrong with the network. */
export class ContentUnavailable extends Error {}

/**
 * Sends a request and waits for the head of the response.
 * @throws ContentUnavailable; the signal's reason; else an Error of the network, also when a limit has passed.
 */
export async function exchange(connections: Connections, given: Exchange): Promise<Reply> {
  given.signal?.throwIfAborted();
  const way = await connections.wayTo(given.url, given.place);
  const content = given.body?.kind === 'stream' ? await opened(given.body.open) : undefined;
  const limit = new AbortController();
  const joined = anySignal([limit.signal, ...(given.signal === undefined ? [] : [given.signal])]);
  const total = timer(given.limits.totalMs, () =>
    limit.abort(new Error(`not done within ${words(given.limits.totalMs)}`)),
  );
  const done = (): void => {
    clearTimeout(total);
    joined[Symbol.dispose]();
    content?.destroy();
  };
  try {
    const reply = await send(way, given, content, joined.signal);
    reply.body.once('close', done);
    return reply;
  } catch (error) {
    done();
    given.signal?.throwIfAborted();
    throw limit.signal.aborted ? limit.signal.reason : networkError(error);
  }
}

async function opened(open: () => Promise<Readable>): Promise<Readable> {
  try {
    return await open();
  } catch (error) {
    throw new ContentUnavailable((error as Error).message, { cause: error });
  }
}

function send(way: Way, given: Exchange, content: Readable | undefined, signal: AbortSignal): Promise<Reply> {
  const { method, url, headers, body } = given;
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  const asked = request({
    ...way.target,
    method,
    agent: way.agent,
    signal,
    maxHeaderSize: longestHead,
    ...(login === ':' ? {} : { auth: login }),
    headers: { Host: url.host, ...headers, ...way.headers, ...lengthOf(body) },
  });
  const replied = deferred<Reply>();
  const stop = limitWaiting(asked, given, replied);
  asked.on('error', replied.reject);
  asked.once('response', (response) => {
    stop();
    // Who does not read a body doesn't hear of its end either.
    response.on('error', () => {});
    if (content !== undefined) response.once('end', () => asked.writableFinished || asked.destroy());
    replied.resolve({
      status: response.statusCode ?? 0,
      statusText: statusText(response),
      headers: firstOfEach(response),
      body: plain(response),
      url,
      socket: response.socket,
    });
  });
  asked.once('close', stop);
  if (content !== undefined) sendStream(content, asked, replied);
  else asked.end(body?.kind === 'bytes' ? body.bytes : undefined);
  return replied.promise;
}

/** Of a header that came several times the first one counts, as for Go's programs. */
function firstOfEach({ headersDistinct }: IncomingMessage): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headersDistinct).map(([name, values]) => [name, values?.[0]]));
}

/** The body without the gzip that some servers and proxies put around it unasked. */
function plain(response: IncomingMessage): Readable {
  const { 'content-encoding': encoding = '', 'content-length': length } = response.headers;
  if (!/^(x-)?gzip$/i.test(encoding.trim()) || length === '0') return response;
  return pipeline(response, createGunzip(), () => {});
}

/** `404 Not Found`, also where the server leaves the words out. */
function statusText({ statusCode = 0, statusMessage }: IncomingMessage): string {
  return `${statusCode} ${statusMessage?.trim() || (STATUS_CODES[statusCode] ?? '')}`.trim();
}

type Asked = ReturnType<typeof httpRequest>;

function sendStream(content: Readable, asked: Asked, replied: Deferred<Reply>): void {
  content.once('error', (error) => {
    replied.reject(new ContentUnavailable(error.message, { cause: error }));
    asked.destroy();
  });
  content.pipe(asked);
}

/** Of bytes; a stream is sent in chunks. A method that has a body says so when it is empty. */
function lengthOf(body: Body | undefined): Readonly<Record<string, string>> {
  return body?.kind === 'bytes' ? { 'Content-Length': String(body.bytes.length) } : {};
}

/** Bounds connecting, and waiting for the head from then on. @returns what ends that. */
function limitWaiting(asked: Asked, { limits }: Exchange, replied: Deferred<Reply>): () => void {
  const fail = (what: string, ms: number) => (): void => {
    const error = new Error(`${what} within ${words(ms)}`);
    replied.reject(error);
    asked.destroy(error);
  };
  const connectMs = limits.dialMs + limits.handshakeMs;
  let waiting = timer(connectMs, fail('no connection', connectMs));
  const connected = (): void => {
    clearTimeout(waiting);
    waiting = timer(limits.headersMs, fail('no answer', limits.headersMs));
  };
  asked.once('socket', (socket) => {
    if (!socket.connecting && !('secureConnecting' in socket && socket.secureConnecting)) connected();
    else socket.once('encrypted' in socket ? 'secureConnect' : 'connect', connected);
  });
  return () => clearTimeout(waiting);
}

function timer(ms: number, act: () => void): NodeJS.Timeout {
  return setTimeout(act, Math.min(ms, longestTimerMs));
}

function words(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}

/** Lets go of a response that nobody wants: reads a short rest, so that the connection can be used again. */
export async function discard(reply: Reply): Promise<void> {
  let size = 0;
  try {
    for await (const chunk of reply.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > 256 * 1024) break;
    }
  } catch {
    // It has ended either way.
  } finally {
    reply.body.destroy();
  }
}

/** @throws Error when it is longer than the limit, or ends too early. */
export async function readAll(reply: Reply, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of reply.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw new Error(`the answer has more than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
  } finally {
    reply.body.destroy();
  }
  return Buffer.concat(chunks);
}
