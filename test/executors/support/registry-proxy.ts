import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What becomes of a request. */
export type Verdict =
  | 'pass'
  /** The connection is cut without an answer. */
  | 'cut'
  | { readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
  /** The answer stops after its first half until the promise resolves. */
  | { readonly halfUntil: Promise<void> };

/** A way to a registry that can break. */
export interface RegistryProxy extends AsyncDisposable {
  /** `localhost:PORT`, which engines talk to without TLS. */
  readonly host: string;
  /** How often the engine has begun a pull: it asks for `/v2/` each time. */
  tries(): number;
}

/**
 * Forwards a port of this machine to a registry's.
 * @param decide sees each request's path and which try it belongs to, from 1.
 */
export async function registryProxy(
  port: number,
  decide: (path: string, attempt: number) => Verdict,
): Promise<RegistryProxy> {
  let tries = 0;
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? '';
    if (path === '/v2/') tries++;
    const verdict = decide(path, tries);
    if (verdict === 'cut') incoming.socket.destroy();
    else if (typeof verdict === 'object' && 'status' in verdict) {
      outgoing.writeHead(verdict.status, { 'content-type': 'application/json', ...verdict.headers });
      outgoing.end(verdict.body ?? '');
    } else forward(port, incoming, outgoing, verdict === 'pass' ? undefined : verdict.halfUntil);
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `localhost:${(server.address() as AddressInfo).port}`,
    tries: () => tries,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function forward(
  port: number,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  halfUntil: Promise<void> | undefined,
): void {
  const { method, url, headers } = incoming;
  const onward = request({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    if (halfUntil === undefined) {
      answer.pipe(outgoing);
      return;
    }
    const chunks: Buffer[] = [];
    answer.on('data', (chunk: Buffer) => chunks.push(chunk));
    answer.on('end', () => {
      const body = Buffer.concat(chunks);
      outgoing.write(body.subarray(0, body.length / 2));
      void halfUntil.then(() => outgoing.end(body.subarray(body.length / 2)));
    });
  });
  onward.on('error', () => incoming.socket.destroy());
  incoming.pipe(onward);
}
