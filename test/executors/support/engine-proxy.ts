import { connect, createServer, type Socket } from 'node:net';

/** An engine's socket that can break. */
export interface EngineProxy extends AsyncDisposable {
  readonly path: string;
  /** Cuts all connections and takes no new ones, as an engine that ends. */
  cut(): void;
}

/** Forwards a unix socket to another one. */
export async function engineProxy(path: string, engineSocket: string): Promise<EngineProxy> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const engine = connect({ path: engineSocket, allowHalfOpen: true });
    for (const each of [socket, engine]) {
      open.add(each);
      each.on('error', () => {});
      each.on('close', () => open.delete(each));
    }
    socket.pipe(engine).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const cut = (): void => {
    server.close();
    for (const socket of open) socket.destroy();
  };
  return { path, cut, [Symbol.asyncDispose]: async () => cut() };
}
