import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBody } from '../http/incoming.ts';
import type { Reply } from '../http/reply.ts';
import type { Fault } from './fault.ts';

/** What a fault may do besides cutting the connection. */
export interface FaultMeans {
  readonly sleep: (ms: number) => Promise<void>;
  readonly restart: (downMs: number) => Promise<void>;
  /** The request's whole address. */
  readonly address: string;
}

/** What becomes of a request before it is carried out. */
export type Before =
  | { readonly kind: 'carry-on'; readonly body: Buffer }
  /** It is over: answered with this, or not at all. */
  | { readonly kind: 'over'; readonly reply: Reply | undefined; readonly body: Buffer | undefined };

/** Reads the request as far as the fault lets it, and does what the fault does first. */
export async function faultBefore(
  fault: Fault | undefined,
  request: IncomingMessage,
  means: FaultMeans,
): Promise<Before> {
  if (fault?.kind === 'half-upload') {
    await readHalf(request);
    return over(request);
  }
  const body = await readBody(request);
  if (body === undefined) return { kind: 'over', reply: undefined, body };
  switch (fault?.kind) {
    case 'drop-before':
      return over(request, body);
    case 'status': {
      const { status, headers = {}, body: text = '' } = fault;
      return { kind: 'over', body, reply: { status, headers, body: Buffer.from(text) } };
    }
    case 'redirect': {
      const headers = { location: fault.location ?? means.address };
      return { kind: 'over', body, reply: { status: fault.status, headers, body: Buffer.alloc(0) } };
    }
    case 'hang':
      await means.sleep(fault.ms);
      return fault.afterwards === 'drop' ? over(request, body) : { kind: 'carry-on', body };
    case 'restart':
      if (fault.when === 'after') return { kind: 'carry-on', body };
      await means.restart(fault.downMs);
      return { kind: 'over', reply: undefined, body };
    default:
      return { kind: 'carry-on', body };
  }
}

function over(request: IncomingMessage, body?: Buffer): Before {
  request.socket.destroy();
  return { kind: 'over', reply: undefined, body };
}

async function readHalf(request: IncomingMessage): Promise<void> {
  const half = Number(request.headers['content-length'] ?? 0) / 2;
  let read = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    read += (chunk as Buffer).length;
    if (read >= half) return;
  }
}

/** Sends the answer, or what the fault leaves of it. */
export async function sendReply(
  fault: Fault | undefined,
  reply: Reply,
  response: ServerResponse,
  means: FaultMeans,
): Promise<void> {
  switch (fault?.kind) {
    case 'drop-after':
      response.socket?.destroy();
      return;
    case 'restart':
      await means.restart(fault.downMs);
      return;
    case 'late-answer':
      await means.sleep(fault.ms);
      break;
    case 'half-response':
      if (isBare(reply.status)) {
        response.socket?.end(`HTTP/1.1 ${reply.status} No`, () => response.socket?.destroy());
        return;
      }
      writeHead(response, reply, reply.body.length + 1);
      response.write(reply.body.subarray(0, Math.ceil(reply.body.length / 2)), () => response.socket?.destroy());
      return;
    case 'slow':
      writeHead(response, reply, reply.body.length);
      for (const [at, piece] of pieces(reply.body, fault.pieces).entries()) {
        if (at > 0) await means.sleep(fault.pauseMs);
        response.write(piece);
      }
      response.end();
      return;
  }
  writeHead(response, reply, reply.body.length);
  response.end(reply.body);
}

function writeHead(response: ServerResponse, { status, headers }: Reply, length: number): void {
  response.writeHead(status, { ...headers, ...(isBare(status) ? {} : { 'content-length': length }) });
  response.flushHeaders();
}

/** An answer that has no body. */
function isBare(status: number): boolean {
  return status === 204 || status === 304;
}

function pieces(body: Buffer, count: number): readonly Buffer[] {
  const size = Math.max(1, Math.ceil(body.length / count));
  return Array.from({ length: Math.ceil(body.length / size) }, (_, at) => body.subarray(at * size, (at + 1) * size));
}
