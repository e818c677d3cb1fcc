import { request } from 'node:https';
import { WebSocket } from 'ws';

/** What a runner has sent of its session with a question for a job. */
export interface SentSession {
  readonly url: string;
  readonly certificate: string;
  readonly authorization: string;
}

/** How a terminal is asked for; what is not given is as GitLab's Workhorse does it. */
export interface Asked {
  readonly authorization?: string;
  /** Below the session's address. Default: `/exec` */
  readonly path?: string;
  readonly subprotocols?: readonly string[];
}

/** A terminal that was opened. */
export interface Terminal {
  readonly socket: WebSocket;
  /** All that it has shown. */
  readonly shown: () => string;
  /** Resolves once it shows the text. */
  readonly shows: (text: string | RegExp) => Promise<void>;
  readonly type: (text: string) => void;
  /** Resolves with the code by which it was closed. */
  readonly closed: Promise<number>;
}

/** The TLS of it all: the certificate that came with the session is its only authority. */
const tlsOf = ({ certificate }: SentSession) => ({ ca: certificate, minVersion: 'TLSv1.2' as const });

/** Opens a terminal as Workhorse does. @returns the status where it is refused. */
export function openTerminal(session: SentSession, asked: Asked = {}): Promise<Terminal | number> {
  const { authorization = session.authorization, path = '/exec', subprotocols = ['terminal.gitlab.com'] } = asked;
  const socket = new WebSocket(`${session.url.replace(/^https/, 'wss')}${path}`, [...subprotocols], {
    ...tlsOf(session),
    headers: { Authorization: authorization },
  });
  const isBase64 = (): boolean => socket.protocol === 'base64.terminal.gitlab.com';
  let shown = '';
  const looks = new Set<() => void>();
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary === isBase64()) throw new Error('the other kind of message');
    shown += isBase64() ? Buffer.from(data.toString(), 'base64').toString() : data.toString();
    for (const look of looks) look();
  });
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  const shows = (text: string | RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (typeof text === 'string' ? !shown.includes(text) : !text.test(shown)) return;
        looks.delete(look);
        resolve();
      };
      looks.add(look);
      look();
      void closed.then((code) => reject(new Error(`closed (${code}) without showing ${text}: ${shown}`)));
    });
  const type = (text: string): void =>
    isBase64() ? socket.send(Buffer.from(text).toString('base64')) : socket.send(Buffer.from(text));
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve({ socket, shown: () => shown, shows, type, closed }));
    socket.on('unexpected-response', (_, { statusCode }) => resolve(statusCode ?? 0));
    socket.on('error', reject);
  });
}

/** As `openTerminal`, where one has to open. */
export async function terminalOf(session: SentSession, asked?: Asked): Promise<Terminal> {
  const opened = await openTerminal(session, asked);
  if (typeof opened === 'number') throw new Error(`refused: ${opened}`);
  return opened;
}

/** Sends a plain request. @returns its status. */
export function statusOf(session: SentSession, { authorization = session.authorization, path = '/exec' }: Asked = {}) {
  return new Promise<number>((resolve, reject) => {
    const headers = { Authorization: authorization };
    const sent = request(`${session.url}${path}`, { ...tlsOf(session), headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on('error', reject).end();
  });
}
