import type { Clock } from '../../util/clock.ts';
import { monotonicMs } from '../../util/monotonic.ts';
import type { RunnerLog } from '../runner-log.ts';
import { type BaseUrl, baseUrlOf, resolvePath } from './base-url.ts';
import { Connections } from './connections.ts';
import { correlated, correlationIdOf } from './correlation.ts';
import { type Body, discard, type Reply } from './exchange.ts';
import type { Credentials } from './gitlab-client.ts';
import { type RunnerIdentity, userAgent } from './identity.ts';
import { metricPath } from './metric-path.ts';
import { defaultLimits, type NetworkLimits } from './network-limits.ts';
import { follow } from './redirects.ts';
import { type Random, retrying } from './retry.ts';
import { TlsMaterial, tlsFilesOf } from './tls-files.ts';

/** One finished call, for statistics. */
export interface CallObserved {
  readonly credentials: Credentials;
  readonly method: string;
  /** With `{id}` for numbers: `jobs/{id}/trace`. */
  readonly path: string;
  /** -1: no answer. */
  readonly status: number;
  readonly durationMs: number;
  readonly attempts: number;
}

/** What the network layer needs of its surroundings. */
export interface NetworkGiven {
  readonly identity: RunnerIdentity;
  readonly log: RunnerLog;
  readonly clock: Clock;
  readonly random: Random;
  /** For proxies: HTTPS_PROXY, HTTP_PROXY, NO_PROXY. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where `<host>.crt` is looked for: `certs` beside the configuration. */
  readonly certificateDirectory?: string;
  readonly limits?: Partial<NetworkLimits>;
  readonly observe?: (call: CallObserved) => void;
}

/** One call, below the base address. */
export interface Call {
  readonly method: string;
  /** `jobs/request`, with a query if there is one. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Body;
  /** Default `headers-only`. */
  readonly secrecy?: 'body-has-token' | 'headers-only';
  readonly signal?: AbortSignal | undefined;
  readonly limits?: Partial<NetworkLimits>;
  /** Told of the correlation id before the first try. */
  readonly sending?: (correlationId: string) => void;
  /** Told of each answer that asks to try less: where the next try gets no answer, nothing else says so. */
  readonly askedLess?: () => void;
}

/** The answer of a call. */
export interface Answer extends Reply {
  readonly correlationId: string;
  readonly attempts: number;
  /** The server asked to try less at least once. */
  readonly retried: boolean;
}

/** Makes calls to one server: addresses, connections, redirections and repeated tries; says nothing of what they mean. */
export class Transport {
  readonly base: BaseUrl;
  readonly given: NetworkGiven;
  readonly limits: NetworkLimits;
  readonly #credentials: Credentials;
  readonly #connections: Connections;

  constructor(credentials: Credentials, given: NetworkGiven) {
    this.#credentials = credentials;
    this.given = given;
    this.base = baseUrlOf(credentials.url);
    this.limits = { ...defaultLimits, ...given.limits };
    const { env, clock, log } = given;
    const host = this.base.kind === 'ok' ? this.base.url.hostname : '';
    const tls = new TlsMaterial(tlsFilesOf(credentials, given.certificateDirectory, host), log, env['SSL_CERT_FILE']);
    this.#connections = new Connections({ env, clock, limits: this.limits, tls });
  }

  /** @throws Error: no answer came; ContentUnavailable; the signal's reason. */
  async call(call: Call): Promise<Answer> {
    if (this.base.kind === 'wrong') throw new Error(this.base.why);
    const url = resolvePath(this.base.url, call.path);
    const limits = { ...this.limits, ...call.limits };
    const { headers, sent } = correlated({ 'User-Agent': userAgent(this.given.identity), ...call.headers });
    call.sending?.(sent);
    const { method, body, signal, secrecy = 'headers-only' } = call;
    const { clock, random } = this.given;
    const attempt = () =>
      follow(this.#connections, { method, url, place: 'own', headers, body, signal, limits }, { secrecy });
    const startedAt = monotonicMs();
    let attempts = 0;
    const observe = (status: number): void =>
      this.given.observe?.({
        credentials: this.#credentials,
        method,
        path: metricPath(call.path.replace(/\?.*/, '')),
        status,
        durationMs: monotonicMs() - startedAt,
        attempts,
      });
    const counted = () => {
      attempts++;
      return attempt();
    };
    try {
      const { askedLess = () => {} } = call;
      const { answer, retried } = await retrying(counted, { limits, clock, random, signal, discard, askedLess });
      observe(answer.status);
      return { ...answer, attempts, retried, correlationId: correlationIdOf(answer.headers, sent) };
    } catch (error) {
      observe(-1);
      throw error;
    }
  }

  /** The CA file's content; '' : none, or plain http. */
  async caFile(): Promise<string> {
    return this.base.kind === 'ok' && this.base.url.protocol === 'https:' ? this.#connections.caFile() : '';
  }

  close(): void {
    this.#connections.close();
  }
}
