import { connect, createServer, type Socket } from 'node:net';

/** A place in the traffic with an engine at which the first call that fits is held. */
export interface Gate {
  /** Resolves when such a call has come; it is held from then on. */
  readonly reached: Promise<void>;
  /** Lets it go on, also when whoever asked has gone away; resolves when the engine has answered. */
  open(): Promise<void>;
}

/** Stands before an engine's socket and can hold calls. */
export interface GatedProxy extends AsyncDisposable {
  readonly host: string;
  /**
   * @param call what method and path of the request must be like: `POST /containers/create`, without a version.
   * @param side holds the request itself, or the engine's answer to it.
   */
  gate(call: RegExp, side: 'request' | 'answer'): Gate;
}

interface PendingGate {
  readonly call: RegExp;
  readonly side: 'request' | 'answer';
  readonly opened: Promise<void>;
  reach(): void;
  answered(): void;
}

/** @param path where it listens; absolute. */
export async function gatedProxy(path: string, engineSocket: string): Promise<GatedProxy> {
  const gates = new Set<PendingGate>();
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const engine = connect({ path: engineSocket, allowHalfOpen: true });
    for (const each of [client, engine]) {
      open.add(each);
      each.on('error', () => {});
      each.on('close', () => open.delete(each));
    }
    join(client, engine, gates);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    host: `unix://${path}`,
    gate: (call, side) => {
      const [reached, opened, answered] = [signal(), signal(), signal()];
      gates.add({ call, side, opened: opened.promise, reach: reached.resolve, answered: answered.resolve });
      return {
        reached: reached.promise,
        open: () => {
          opened.resolve();
          return answered.promise;
        },
      };
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

function join(client: Socket, engine: Socket, gates: Set<PendingGate>): void {
  let held: Promise<void> = Promise.resolve();
  let answered: (() => void) | undefined;
  client.on('data', (chunk) => {
    const gate = gateFor(gates, chunk);
    if (gate !== undefined) {
      gates.delete(gate);
      answered = gate.answered;
      if (gate.side === 'request') held = held.then(() => gate.opened);
      else {
        engine.pause();
        void gate.opened.then(() => engine.resume());
      }
      gate.reach();
    }
    void held.then(() => engine.write(chunk));
  });
  // What was asked for through a gate is done although nobody listens any more: that is the worst that can happen.
  client.on('end', () => void held.then(() => answered === undefined && engine.end()));
  client.on('drain', () => engine.resume());
  engine.on('data', (chunk) => {
    answered?.();
    if (!client.write(chunk)) engine.pause();
  });
  engine.on('end', () => client.end());
}

function gateFor(gates: ReadonlySet<PendingGate>, chunk: Buffer): PendingGate | undefined {
  if (gates.size === 0) return undefined;
  const line = /^([A-Z]+ )(?:\/v[\d.]+)?(\/\S*) HTTP\/1\.1\r/.exec(chunk.toString('latin1', 0, 2000));
  return line === null ? undefined : [...gates].find(({ call }) => call.test(line[1]! + line[2]!));
}

function signal(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
