import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ListenAddress } from './listen-address.ts';

/** What a page shows. */
export interface DebugPage {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A server of pages that is up. */
export interface DebugServer {
  /** `host:port` */
  readonly address: string;
  /** Ends connections, too. */
  close(): Promise<void>;
}

/** Somebody who asks slowly, or never ends asking, is not waited for. */
const patienceMs = 10_000;
const mostConnections = 100;

/**
 * Serves pages to who can reach the address. Nothing can be changed through it: GET and HEAD alone.
 * @param pages by their paths.
 * @throws Error of the system, such as an address in use.
 */
export async function serveDebugPages(
  { host, port }: ListenAddress,
  pages: Readonly<Record<string, () => DebugPage>>,
): Promise<DebugServer> {
  const server = createServer({ requestTimeout: patienceMs, headersTimeout: patienceMs }, (request, response) => {
    answer(request, response, pages);
  });
  server.maxConnections = mostConnections;
  server.listen({ port, ...(host === undefined ? {} : { host }) });
  await once(server, 'listening');
  // What goes wrong with one connection ends that one.
  server.on('error', () => {});
  return {
    address: addressOf(server),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  pages: Readonly<Record<string, () => DebugPage>>,
): void {
  const path = (request.url ?? '').replace(/[?#].*$/s, '');
  const page = Object.hasOwn(pages, path) ? pages[path]! : undefined;
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const { status, type, body, headers } = !page
    ? plainPage(404, 'There is no such page.\n')
    : isRead
      ? page()
      : { ...plainPage(405, 'This page can only be read.\n'), headers: { Allow: 'GET, HEAD' } };
  const bytes = Buffer.from(body);
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': bytes.length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : bytes);
  // A body that nobody wants is not read to its end.
  if (!isRead) response.once('finish', () => request.destroy());
}

/** A page of text. */
export function plainPage(status: number, body: string): DebugPage {
  return { status, type: 'text/plain; charset=utf-8', body };
}

function addressOf(server: Server): string {
  const { address, port } = server.address() as AddressInfo;
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}
