import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { ListenAddress } from '../metrics/listen-address.ts';
import type { RunnerLog } from '../runner-log.ts';
import type { JobSession, Seat } from './job-session.ts';
import type { SelfSigned } from './self-signed.ts';
import { longestMessage, socketTerminal, subprotocols } from './socket-terminal.ts';

/** What the server needs. */
export interface SessionServerGiven {
  readonly listen: ListenAddress;
  readonly tls: SelfSigned;
  /** By the 32 digits of its path. */
  readonly find: (id: string) => JobSession | undefined;
  readonly log: RunnerLog;
  /** How long somebody who comes before a job's script waits for it. */
  readonly patienceMs: number;
}

/** A server of sessions that is up. */
export interface SessionServer {
  /** `host:port` */
  readonly address: string;
  /** Cuts all connections. */
  close(): Promise<void>;
}

/** Connections at once. */
const mostConnections = 1000;

/**
 * Serves `/session/<id>/exec` over TLS, with the answers of GitLab Runner: 404, 401 without the session's token, 405 for
 * what is no WebSocket, 503 while there is no way in, 423 when somebody is in. As it has no proxy to services, `/proxy/…` is 404.
 * @throws the error of `listen` as a rejected promise.
 */
export async function serveSessions(given: SessionServerGiven): Promise<SessionServer> {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: longestMessage,
    perMessageDeflate: false,
    handleProtocols: (offered) => [...offered].find((one) => subprotocols.some((known) => known === one)) ?? false,
  });
  const server = createServer({ ...given.tls, minVersion: 'TLSv1.2' });
  server.maxConnections = mostConnections;
  const connected = new Set<Duplex>();
  server.on('connection', (socket: Duplex) => {
    connected.add(socket);
    socket.once('close', () => connected.delete(socket));
  });
  server.on('request', (request, response) => {
    const found = admitted(request, given);
    // What is no upgrade is no WebSocket.
    const status = typeof found === 'number' ? found : 405;
    const body = `${STATUS_CODES[status]}\n`;
    response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' }).end(body);
    response.once('finish', () => request.destroy());
  });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {});
    void upgrade({ request, socket, head }, sockets, given);
  });
  server.listen(given.listen);
  await once(server, 'listening');
  return {
    address: addressOf(server),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of connected) socket.destroy();
      await closed;
    },
  };
}

/** The session that a request may have, or the status that it gets. */
function admitted(request: IncomingMessage, { find, log }: SessionServerGiven): JobSession | number {
  const path = (request.url ?? '').replace(/[?#].*$/s, '');
  const [, id = '', rest = ''] = /^\/session\/([0-9a-f]{32})(\/.*)$/.exec(path) ?? [];
  const session = find(id);
  const isProxy = rest.startsWith('/proxy/');
  if (session === undefined || (rest !== '/exec' && !isProxy)) return 404;
  if (!isSame(request.headers.authorization ?? '', session.authorization)) {
    log('error', 'Authorization header is not valid', { job: session.job, from: request.socket.remoteAddress });
    return 401;
  }
  return isProxy ? 404 : session;
}

/** Takes as long whatever is wrong. */
function isSame(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

async function upgrade(asked: Upgrade, sockets: WebSocketServer, given: SessionServerGiven): Promise<void> {
  const { request, socket, head } = asked;
  const session = admitted(request, given);
  if (typeof session === 'number') return answer(socket, session);
  if (!/^websocket$/i.test(request.headers.upgrade ?? '')) return answer(socket, 405);
  const fields = { job: session.job };
  await orAfter(session.decided, given.patienceMs);
  const seat = session.take();
  if (seat === 'none') {
    given.log('error', 'Interactive terminal not set', fields);
    return answer(socket, 503);
  }
  if (seat === 'taken') {
    given.log('warning', 'Terminal already connected, revoking connection', fields);
    return answer(socket, 423);
  }
  // A handshake that fails is answered by the library, and nobody comes.
  socket.once('close', seat.giveBack);
  if (socket.destroyed) return seat.giveBack();
  sockets.handleUpgrade(request, socket, head, (webSocket) => {
    given.log('info', 'Terminal is connected', { ...fields, from: request.socket.remoteAddress });
    void sit(seat, webSocket).then(() => given.log('info', 'Terminal is disconnected', fields));
  });
}

async function sit(seat: Seat, webSocket: Parameters<typeof socketTerminal>[0]): Promise<void> {
  const connection = socketTerminal(webSocket);
  seat.leave.addEventListener('abort', connection.mute, { once: true });
  await seat.enter(connection.terminal, connection.gone);
  connection.close(seat.leave.aborted ? 'the job has ended' : 'the shell has ended');
}

function answer(socket: Duplex, status: number): void {
  const reason = STATUS_CODES[status] ?? '';
  const body = `${reason}\n`;
  const head = `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n`;
  socket.end(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
  socket.once('finish', () => socket.destroy());
}

/** Resolves with the promise, or when so much time has passed. */
async function orAfter(promise: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}

function addressOf(server: Server): string {
  const { address, port } = server.address() as AddressInfo;
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}
