import { spawn } from 'node:child_process';
import type { IncomingHttpHeaders } from 'node:http';

/** A request for git's own HTTP server. */
export interface BackendRequest {
  readonly method: string;
  /** Decoded, below the folder: `/project.git/info/refs`. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Settings of git, by name. */
  readonly config?: Readonly<Record<string, string>>;
}

export interface BackendAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Answers a request for a bare repository below a folder by `git http-backend`. */
export async function askHttpBackend(folder: string, request: BackendRequest): Promise<BackendAnswer> {
  const config = Object.entries({ 'uploadpack.allowFilter': 'true', 'safe.directory': '*', ...request.config });
  const child = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_COUNT: String(config.length),
      ...Object.fromEntries(
        config.flatMap(([name, value], at) => [
          [`GIT_CONFIG_KEY_${at}`, name],
          [`GIT_CONFIG_VALUE_${at}`, value],
        ]),
      ),
      PATH_INFO: request.path,
      QUERY_STRING: request.query,
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      CONTENT_LENGTH: String(request.body.length),
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
  });
  child.stdin.on('error', () => {});
  child.stdin.end(request.body);
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
  return readAnswer(Buffer.concat(chunks));
}

/** Takes a CGI answer apart. */
function readAnswer(output: Buffer): BackendAnswer {
  const end = output.indexOf('\r\n\r\n');
  const headers: Record<string, string> = {};
  let status = 200;
  for (const line of output.toString('latin1', 0, Math.max(end, 0)).split('\r\n')) {
    const [name = '', ...value] = line.split(': ');
    if (name === 'Status') status = Number.parseInt(value.join(': '), 10);
    else if (name !== '') headers[name.toLowerCase()] = value.join(': ');
  }
  return { status, headers, body: end === -1 ? Buffer.alloc(0) : output.subarray(end + 4) };
}
