import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** An engine's socket that can break. */
export interface EngineProxy extends AsyncDisposable {
  readonly path: string;
  /** Cuts all connections and takes no new ones, as an engine that ends. */
  cut(): void;
}

/**
 * Forwards a unix socket to another one.
 * @param replace text of requests that is replaced by another of the same length.
 */
export async function engineProxy(
  path: string,
  engineSocket: string,
  replace?: readonly [string, string],
): Promise<EngineProxy> {
  const { server, cut } = forwardTo(engineSocket, replace);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { path, cut, [Symbol.asyncDispose]: async () => cut() };
}

/** Forwards a port of this machine to an engine's socket, as if the engine were on another one. */
export async function remoteEngine(engineSocket: string): Promise<{ readonly host: string } & AsyncDisposable> {
  const { server, cut } = forwardTo(engineSocket);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { host: `tcp://127.0.0.1:${port}`, [Symbol.asyncDispose]: async () => cut() };
}

function forwardTo(
  engineSocket: string,
  replace?: readonly [string, string],
): { readonly server: Server; cut(): void } {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const engine = connect({ path: engineSocket, allowHalfOpen: true });
    for (const each of [socket, engine]) {
      open.add(each);
      each.on('error', () => {});
      each.on('close', () => open.delete(each));
    }
    if (replace !== undefined) {
      socket.on('data', (chunk) => engine.write(chunk.toString('latin1').replaceAll(...replace), 'latin1'));
      socket.on('end', () => engine.end());
      engine.pipe(socket);
    } else socket.pipe(engine).pipe(socket);
  });
  const cut = (): void => {
    server.close();
    for (const socket of open) socket.destroy();
  };
  return { server, cut };
}
