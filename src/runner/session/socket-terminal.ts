import { PassThrough } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { RemoteTerminal } from '../../model/ports.ts';

/** Ways to put bytes into messages. Source: https://docs.gitlab.com/development/workhorse/channel/ */
export const subprotocols = ['terminal.gitlab.com', 'base64.terminal.gitlab.com'] as const;

/** Bytes that one message may have. */
export const longestMessage = 1 << 20;
/** Bytes that wait for somebody at the terminal to read them, before the connection is cut. */
const mostUnread = 4 << 20;
/** Between two signs of life; whoever has not answered one until the next is gone. */
const pingMs = 30_000;
/** How long the other end may take to close. */
const closeMs = 1000;

/** A terminal at the other end of a WebSocket. */
export interface SocketTerminal {
  readonly terminal: RemoteTerminal;
  /** Aborted when the other end is gone. */
  readonly gone: AbortSignal;
  /** From now on nothing is written: nobody waits for an end that does not read. */
  mute(): void;
  /** Says that it is over, and closes. */
  close(why: string): void;
}

/** Takes a connection over. Without a subprotocol messages are bytes, as with GitLab Runner. */
export function socketTerminal(socket: WebSocket): SocketTerminal {
  const isBase64 = socket.protocol === 'base64.terminal.gitlab.com';
  const input = new PassThrough({ readableHighWaterMark: mostUnread, writableHighWaterMark: longestMessage + 1 });
  const gone = new AbortController();
  const pending = new Set<() => void>();
  let isMute = false;
  const mute = (): void => {
    isMute = true;
    for (const resolve of pending) resolve();
  };
  const stopPings = watchLife(socket);
  socket.on('message', (data: RawData) => {
    const message = data as Buffer;
    const typed = isBase64 ? Buffer.from(message.toString('latin1'), 'base64') : message;
    if (!input.write(typed)) socket.close(1009, 'too much that nobody reads');
  });
  socket.on('error', () => {});
  socket.once('close', () => {
    stopPings();
    mute();
    gone.abort();
  });
  return {
    terminal: {
      input,
      write: (bytes) =>
        new Promise((resolve) => {
          if (isMute || socket.readyState !== socket.OPEN) return resolve();
          const sent = (): void => {
            pending.delete(sent);
            resolve();
          };
          pending.add(sent);
          const data = isBase64 ? Buffer.from(bytes).toString('base64') : bytes;
          socket.send(data, { binary: !isBase64 }, sent);
        }),
    },
    gone: gone.signal,
    mute,
    close: (why) => {
      socket.close(1000, why);
      const timer = setTimeout(() => socket.terminate(), closeMs);
      socket.once('close', () => clearTimeout(timer));
      if (socket.readyState === socket.CLOSED) clearTimeout(timer);
    },
  };
}

function watchLife(socket: WebSocket): () => void {
  let answered = true;
  socket.on('pong', () => {
    answered = true;
  });
  const timer = setInterval(() => {
    if (!answered) return socket.terminate();
    answered = false;
    socket.ping();
  }, pingMs);
  return () => clearInterval(timer);
}
