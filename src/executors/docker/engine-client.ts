import { Agent } from 'node:https';
import type { Readable } from 'node:stream';
import type Dockerode from 'dockerode';
import type { EngineAddress } from './engine-address.ts';
import { sshAgent } from './ssh-agent.ts';

/** A client of one address; nothing is connected yet. */
export interface EngineClient {
  readonly api: Dockerode;
  /** One request as Dockerode's own calls make them; an answer with another status than those named rejects. */
  dial(request: Parameters<Dockerode['modem']['dial']>[0]): Promise<Readable>;
}

/** Makes a client; what is wrong with certificates shows with its first request. */
export async function engineClient(address: EngineAddress): Promise<EngineClient> {
  const [{ default: Docker }, { default: Modem }] = await Promise.all([import('dockerode'), import('docker-modem')]);
  // Its constructor reads DOCKER_HOST and what belongs to it by rules of its own, and fails for files that are not there.
  const modem = Object.assign(Object.create(Modem.prototype) as object, { headers: {} }, modemOptions(address));
  const api = new Docker({ modem } as object);
  return {
    api,
    dial: (request) =>
      new Promise((resolve, reject) => {
        api.modem.dial(request, (error: unknown, result: unknown) =>
          error ? reject(error) : resolve(result as Readable),
        );
      }),
  };
}

/** Fields of docker-modem's. */
function modemOptions(address: EngineAddress): object {
  switch (address.kind) {
    case 'socket':
      return { socketPath: address.path, protocol: 'http' };
    case 'ssh':
      return { host: 'localhost', port: 80, pathPrefix: '/', protocol: 'http', agent: sshAgent(address) };
    case 'tcp': {
      const { port, tls } = address;
      const where = { host: address.host.includes(':') ? `[${address.host}]` : address.host, port, pathPrefix: '/' };
      if (tls === undefined) return { ...where, protocol: 'http' };
      const { ca, cert, key, verify } = tls;
      const agent = new Agent({
        keepAlive: true,
        scheduling: 'lifo',
        timeout: 5000,
        rejectUnauthorized: verify === 'server',
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
      });
      return { ...where, protocol: 'https', agent };
    }
  }
}
