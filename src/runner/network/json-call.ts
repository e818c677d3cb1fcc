import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { errorText, mediaType, shownUrl } from './error-text.ts';
import { discard, readAll } from './exchange.ts';
import type { Answer, Transport } from './transport.ts';

/** A status that no server sent: no answer came, or none that can be read. */
export const noAnswer = -1;
/** A status that no server sent: the client can't be made, for example because of its address. */
export const clientError = -100;

/** A call that sends or takes JSON. */
export interface JsonCall {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Undefined: no body and no content type. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** The status that means success. */
  readonly expect: number;
  /** `decode`: an answer with that status has to be JSON. */
  readonly answer: 'decode' | 'ignore';
  readonly signal?: AbortSignal | undefined;
}

/** What came of it. */
export interface JsonAnswer {
  /** The server's, or `noAnswer` or `clientError`. */
  readonly status: number;
  /** `403 Forbidden`; for a status of ours what went wrong. */
  readonly statusText: string;
  /** For the log, with the method, the address and the server's own words. */
  readonly text: string;
  /** What was decoded. */
  readonly value: unknown;
  /** Of the answer, also of one that can't be read; empty where none came. */
  readonly headers: IncomingHttpHeaders;
  readonly correlationId: string;
  readonly retried: boolean;
  readonly socket: Socket | undefined;
  /** The call's signal ended it. */
  readonly aborted: boolean;
}

/** Keeps `X-GitLab-Last-Update`. */
export interface LastUpdate {
  value: string;
}

/** Makes a call; nothing throws. */
export async function jsonCall(transport: Transport, call: JsonCall, last: LastUpdate): Promise<JsonAnswer> {
  const { base } = transport;
  if (base.kind === 'wrong') return without(clientError, base.why);
  let answer: Answer;
  let sent = '';
  let retried = false;
  const sending = (correlationId: string): void => {
    sent = correlationId;
  };
  const askedLess = (): void => {
    retried = true;
  };
  try {
    answer = await transport.call({ ...requestOf(call), sending, askedLess });
  } catch (error) {
    const aborted = call.signal?.aborted === true;
    const why = `execute JSON request: ${(error as Error)?.message ?? String(error)}`;
    return { ...without(noAnswer, why), correlationId: sent, retried, aborted };
  }
  const lastUpdate = answer.headers['x-gitlab-last-update'];
  if (typeof lastUpdate === 'string' && lastUpdate !== '') last.value = lastUpdate;
  return read(transport, call, answer);
}

function requestOf({ method, path, headers, body, expect: _, answer, signal }: JsonCall) {
  return {
    method,
    path,
    signal,
    secrecy: 'body-has-token' as const,
    headers: {
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...(answer === 'decode' ? { Accept: 'application/json' } : {}),
      ...headers,
    },
    ...(body === undefined ? {} : { body: { kind: 'bytes' as const, bytes: Buffer.from(JSON.stringify(body)) } }),
  };
}

async function read(transport: Transport, call: JsonCall, answer: Answer): Promise<JsonAnswer> {
  const { status, statusText, headers, correlationId, retried, socket } = answer;
  const common = { status, statusText, headers, correlationId, retried, socket, value: undefined, aborted: false };
  if (status < 200 || status > 299) return { ...common, text: await errorText(call.method, answer) };
  const text = `${call.method} ${shownUrl(answer.url)}: ${statusText}`;
  if (status !== call.expect || call.answer === 'ignore') {
    await discard(answer);
    return { ...common, text };
  }
  const unread = (why: string): JsonAnswer => ({ ...common, status: noAnswer, statusText: why, text: why });
  const type = answer.headers['content-type'];
  if (mediaType(type) !== 'application/json') {
    await discard(answer);
    return unread(`response is not application/json, but ${JSON.stringify(type ?? '')}`);
  }
  try {
    const bytes = await readAll(answer, transport.limits.maxJsonBytes);
    return { ...common, text, value: JSON.parse(bytes.toString('utf8')) as unknown };
  } catch (error) {
    return { ...unread(`decoding json payload: ${(error as Error).message}`), aborted: call.signal?.aborted === true };
  }
}

function without(status: number, why: string): JsonAnswer {
  const common = { value: undefined, headers: {}, correlationId: '', retried: false, socket: undefined };
  return { ...common, status, statusText: why, text: why, aborted: false };
}
