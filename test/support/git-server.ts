import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { askHttpBackend } from './http-backend.ts';

export interface GitServer extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** Paths that were asked for, in order. */
  readonly asked: string[];
  /** Files below `/raw/`, by name; a function answers itself. */
  readonly raw: Map<string, string | ((request: IncomingMessage, response: ServerResponse) => void)>;
  /** If set, git's requests have to show this login (`user:password`). */
  login: string | undefined;
}

/** Serves bare repositories below a folder by git's own `http-backend`, and single files. */
export async function startGitServer(folder: string): Promise<GitServer> {
  const asked: string[] = [];
  const raw: GitServer['raw'] = new Map();
  const state: { login: string | undefined } = { login: undefined };
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    if (path.startsWith('/raw/')) return serveRaw(raw.get(path.slice('/raw/'.length)), request, response);
    const wanted = state.login && `Basic ${Buffer.from(state.login).toString('base64')}`;
    if (wanted && request.headers.authorization !== wanted) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
      return;
    }
    serveGit(folder, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    raw,
    get login() {
      return state.login;
    },
    set login(login) {
      state.login = login;
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function serveRaw(
  content: string | ((request: IncomingMessage, response: ServerResponse) => void) | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (typeof content === 'function') content(request, response);
  else if (content === undefined) response.writeHead(404).end('nothing');
  else response.writeHead(200, { 'content-type': 'text/plain' }).end(content);
}

async function serveGit(folder: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '', 'http://localhost');
  const { status, headers, body } = await askHttpBackend(folder, {
    method: request.method ?? 'GET',
    path: decodeURIComponent(url.pathname),
    query: url.search.slice(1),
    headers: request.headers,
    body: await buffer(request),
  });
  response.writeHead(status, headers).end(body);
}
