import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ServerTls } from '../options.ts';

/** A port that can be closed and opened again. */
export interface Listener {
  readonly port: number;
  /** Nobody can connect any more. `cut`: all connections are; `drain`: what is being answered has a second to end. */
  close(how: 'cut' | 'drain'): Promise<void>;
  /** Opens the same port again. */
  open(): Promise<void>;
}

export interface ListenerOptions {
  readonly host: string;
  /** `0`: any free one. */
  readonly port: number;
  readonly tls: ServerTls | undefined;
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
}

const drainMs = 1000;

/** Opens a port. */
export async function openListener({ host, port, tls, handle }: ListenerOptions): Promise<Listener> {
  const state: { server: Server | undefined; port: number } = { server: undefined, port };
  const open = async (): Promise<void> => {
    const server = tls === undefined ? createServer(handle) : createTlsServer(tlsOptions(tls), handle);
    state.server = server;
    server.on('clientError', (_error, socket) => socket.destroy());
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(state.port, host, resolve);
    });
    state.port = (server.address() as AddressInfo).port;
  };
  await open();
  return {
    get port() {
      return state.port;
    },
    open,
    close: async (how) => {
      const { server } = state;
      state.server = undefined;
      if (server === undefined) return;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      if (how === 'drain') server.closeIdleConnections();
      const cut = setTimeout(() => server.closeAllConnections(), drainMs);
      if (how === 'cut') server.closeAllConnections();
      await closed;
      clearTimeout(cut);
    },
  };
}

function tlsOptions({ key, cert, clientCa }: ServerTls): ServerOptions {
  return {
    key,
    cert,
    ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
  };
}
