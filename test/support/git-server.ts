import { spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

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
    serveGit(folder, request, response);
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

function serveGit(folder: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '', 'http://localhost');
  const child = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_COUNT: '2',
      GIT_CONFIG_KEY_0: 'uploadpack.allowFilter',
      GIT_CONFIG_VALUE_0: 'true',
      GIT_CONFIG_KEY_1: 'safe.directory',
      GIT_CONFIG_VALUE_1: '*',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
  });
  request.pipe(child.stdin);
  child.stdin.on('error', () => {});
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.on('close', () => {
    const output = Buffer.concat(chunks);
    const end = output.indexOf('\r\n\r\n');
    let status = 200;
    for (const line of output.toString('latin1', 0, end).split('\r\n')) {
      const [name = '', ...value] = line.split(': ');
      if (name === 'Status') status = Number.parseInt(value.join(': '), 10);
      else if (name !== '') response.setHeader(name, value.join(': '));
    }
    response.writeHead(status).end(output.subarray(end + 4));
  });
}
