import { connect, createServer } from 'node:net';

/** Counts what is asked of an engine. */
export interface EngineCounter extends AsyncDisposable {
  /** `POST /containers/create` and the like, in order; ids are replaced by `ID`. */
  readonly calls: readonly string[];
}

/** Forwards a unix socket to an engine's and notes the first line of each request. */
export async function countEngineCalls(path: string, engineSocket: string): Promise<EngineCounter> {
  const calls: string[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const engine = connect({ path: engineSocket, allowHalfOpen: true });
    for (const each of [socket, engine]) each.on('error', () => {});
    socket.on('data', (chunk) => {
      for (const [, method, where] of chunk.toString('latin1').matchAll(/^([A-Z]+) ([^ ?]+)\S* HTTP\/1\.1\r$/gm)) {
        calls.push(`${method} ${where!.replace(/^\/v[\d.]+/, '').replace(/[0-9a-f]{64}/, 'ID')}`);
      }
    });
    socket.pipe(engine).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { calls, [Symbol.asyncDispose]: async () => void server.close() };
}
