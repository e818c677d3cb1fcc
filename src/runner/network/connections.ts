import { type ClientRequestArgs, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import type { Clock } from '../../util/clock.ts';
import { proxyAddress, proxyFor, proxyLogin, tunnel } from '../../util/proxy.ts';
import type { NetworkLimits } from './network-limits.ts';
import type { TlsMaterial, TlsState } from './tls-files.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** How an address is reached. */
export interface Way {
  readonly agent: HttpAgent;
  /** Where to connect to and what to ask for there. */
  readonly target: ClientRequestArgs;
  /** Headers for the proxy. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What connections are made with; `limits` says how long one is kept. */
export interface ConnectionsGiven {
  /** For proxies. */
  readonly env: Environment;
  readonly clock: Clock;
  readonly limits: NetworkLimits;
  readonly tls: TlsMaterial;
}

/** The open connections of one client, kept for the next request: direct ones and those through proxies. */
export class Connections {
  readonly #given: ConnectionsGiven;
  readonly #agents = new Map<string, HttpAgent>();
  #tls: TlsState | undefined;
  #dropAt: number;

  constructor(given: ConnectionsGiven) {
    this.#given = given;
    this.#dropAt = given.clock.elapsed() + given.limits.connectionMaxAgeMs;
  }

  /**
   * @param place `own`: the server that the client is for; `foreign`: where it redirected to.
   */
  async wayTo(url: URL, place: 'own' | 'foreign'): Promise<Way> {
    this.#dropOld();
    const proxy = this.#proxyFor(url);
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const path = `${url.pathname}${url.search}`;
    if (url.protocol === 'http:') {
      if (proxy !== undefined) return this.#wayThrough(proxy, `${url.protocol}//${url.host}${path}`);
      const agent = this.#kept('http', () => new HttpAgent(this.#options()));
      return { agent, target: { host, port: url.port || 80, path }, headers: {} };
    }
    const tls = await this.#currentTls();
    const target = { host, port: url.port || 443, path, ...(isIP(host) === 0 ? { servername: host } : {}) };
    const agent = this.#kept(`https ${place} ${proxy?.href ?? ''}`, () =>
      this.#secured(tls[place], proxy, tls.foreign),
    );
    return { agent, target, headers: {} };
  }

  /** To a proxy that is asked for a whole address. */
  async #wayThrough(proxy: URL, path: string): Promise<Way> {
    const login = proxyLogin(proxy);
    const headers = login === undefined ? {} : { 'Proxy-Authorization': login };
    const target = { ...proxyAddress(proxy), protocol: proxy.protocol, path };
    if (proxy.protocol === 'http:') {
      return { agent: this.#kept('http', () => new HttpAgent(this.#options())), target, headers };
    }
    const { foreign } = await this.#currentTls();
    const agent = this.#kept('https proxy', () => new HttpsAgent({ ...this.#options(), secureContext: foreign }));
    return { agent, target, headers };
  }

  /** The CA file's content as it is now; '' : none. */
  async caFile(): Promise<string> {
    return (await this.#currentTls()).caFile;
  }

  /** Closes all, also those that are in use. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #proxyFor(url: URL): URL | undefined {
    // As Go's programs do, whatever the environment says.
    return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/i.test(url.hostname) ? undefined : proxyFor(url, this.#given.env);
  }

  #options() {
    return { keepAlive: true, keepAliveMsecs: 30_000, timeout: this.#given.limits.idleMs, scheduling: 'lifo' } as const;
  }

  #kept(key: string, make: () => HttpAgent): HttpAgent {
    const found = this.#agents.get(key);
    if (found !== undefined) return found;
    const made = make();
    this.#agents.set(key, made);
    return made;
  }

  #secured(secureContext: TlsState['own'], proxy: URL | undefined, ofProxy: TlsState['foreign']): HttpAgent {
    // A resumed session would show the certificate of an earlier connection.
    const agent = new HttpsAgent({ ...this.#options(), secureContext, maxCachedSessions: 0 });
    if (proxy === undefined) return agent;
    const { dialMs } = this.#given.limits;
    agent.createConnection = (options, done) => {
      const { host, port } = options;
      const name = String(host);
      tunnel(proxy, { host: name, port: Number(port) }, AbortSignal.timeout(dialMs), ofProxy).then(
        (socket) => {
          const servername = isIP(name) === 0 ? { servername: name } : {};
          done?.(null, tlsConnect({ socket, host: name, secureContext, ...servername }));
        },
        // Node takes no stream along with an error, whatever the type says.
        (error: Error) => done?.(error, undefined as unknown as Duplex),
      );
      return undefined;
    };
    return agent;
  }

  async #currentTls(): Promise<TlsState> {
    const tls = await this.#given.tls.current();
    if (this.#tls !== undefined && this.#tls !== tls) this.#forget();
    this.#tls = tls;
    return tls;
  }

  /** New files: connections that are in use go on with the old ones. */
  #forget(): void {
    for (const [key, agent] of this.#agents) {
      if (!key.startsWith('https')) continue;
      this.#agents.delete(key);
      dropUnused(agent);
      // What comes back from its last use is not kept.
      agent.keepSocketAlive = () => false;
    }
  }

  #dropOld(): void {
    const { clock, limits } = this.#given;
    if (clock.elapsed() < this.#dropAt) return;
    this.#dropAt = clock.elapsed() + limits.connectionMaxAgeMs;
    for (const agent of this.#agents.values()) dropUnused(agent);
  }
}

function dropUnused(agent: HttpAgent): void {
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}
