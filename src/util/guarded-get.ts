import { lookup as systemLookup } from 'node:dns';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { type AllowedHosts, isAllowed, refusedAddress } from './address-guard.ts';
import { proxyFor, tunnel } from './proxy.ts';

/** All addresses of a name. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** Whom a request may go to, and its bounds: an answer larger than `maxBytes` or later than `timeoutMs` is an error. */
export interface GetOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly allowed: AllowedHosts;
  /** For the whole of it, redirects too. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly maxRedirects: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON that is posted: then no redirect is followed. Absent: the address is only read. */
  readonly post?: string;
  /** Default: the system's. */
  readonly resolve?: Resolve;
}

/** What came of a request. Nothing is thrown. */
export type Got =
  | { readonly kind: 'ok'; readonly body: Buffer; readonly type: string }
  /** It was not even tried: the address is none that may be asked. */
  | { readonly kind: 'refused'; readonly why: string }
  /** `status` where a server answered. `mayPass`: it may go better the next time. */
  | { readonly kind: 'failed'; readonly why: string; readonly status?: number; readonly mayPass: boolean };

class Refused extends Error {}
class Failed extends Error {
  readonly status: number | undefined;
  readonly mayPass: boolean;

  constructor(message: string, options: { readonly status?: number; readonly mayPass: boolean }) {
    super(message);
    this.status = options.status;
    this.mayPass = options.mayPass;
  }
}

/**
 * Gets a file from an address that a stranger may have written. Only https, and only hosts all of whose addresses are
 * public, but for those that the user allows; the addresses that were looked at are the ones that are connected to, for
 * each redirect anew. Through a proxy, names are looked at as far as they can be resolved here.
 */
export async function guardedGet(address: string, options: GetOptions): Promise<Got> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), options.timeoutMs);
  try {
    return await follow(new URL(address), options, limit.signal);
  } catch (error) {
    if (limit.signal.aborted && !(error instanceof Refused)) {
      return { kind: 'failed', why: `no answer within ${options.timeoutMs / 1000} s`, mayPass: true };
    }
    return explain(error as Error);
  } finally {
    clearTimeout(timer);
  }
}

function explain(error: Error): Exclude<Got, { readonly kind: 'ok' }> {
  if (error instanceof Refused) return { kind: 'refused', why: error.message };
  if (error instanceof Failed) {
    const { message: why, status, mayPass } = error;
    return { kind: 'failed', why, mayPass, ...(status === undefined ? {} : { status }) };
  }
  const code = (error as NodeJS.ErrnoException).code;
  const why = code === 'ENOTFOUND' || code === 'EAI_AGAIN' ? 'the name of the server is not known' : error.message;
  return { kind: 'failed', why, mayPass: code !== 'ENOTFOUND' && !/CERT|SELF_SIGNED/.test(code ?? '') };
}

async function follow(first: URL, options: GetOptions, signal: AbortSignal): Promise<Got> {
  let url = first;
  for (let redirects = 0; ; redirects++) {
    const addresses = await check(url, options);
    const response = await ask(url, addresses, options, signal);
    const { statusCode = 0, headers } = response;
    if ([301, 302, 303, 307, 308].includes(statusCode) && headers.location !== undefined) {
      response.destroy();
      if (options.post !== undefined) throw new Failed('it was redirected', { status: statusCode, mayPass: false });
      if (redirects === options.maxRedirects) {
        throw new Failed(`it was redirected more than ${options.maxRedirects} times`, { mayPass: false });
      }
      if (!URL.canParse(headers.location, url.href))
        throw new Failed('it was redirected to nowhere', { mayPass: false });
      url = new URL(headers.location, url);
      continue;
    }
    if (statusCode !== 200) {
      response.destroy();
      const mayPass = statusCode >= 500 || statusCode === 429;
      throw new Failed(`the server answered ${statusCode}`, { status: statusCode, mayPass });
    }
    return { kind: 'ok', body: await readBody(response, options), type: headers['content-type'] ?? '' };
  }
}

/** What a check needs to know. */
export type CheckOptions = Pick<GetOptions, 'allowed' | 'env' | 'resolve'>;

/**
 * Looks at an address without connecting to it.
 * @returns the addresses of its host that may be connected to; none where only the proxy can resolve it.
 */
export async function checkAddress(
  url: URL,
  options: CheckOptions,
): Promise<{ readonly kind: 'ok'; readonly addresses: readonly string[] } | Exclude<Got, { readonly kind: 'ok' }>> {
  try {
    return { kind: 'ok', addresses: await check(url, options) };
  } catch (error) {
    return explain(error as Error);
  }
}

async function check(url: URL, { allowed, env, resolve = resolveBySystem }: CheckOptions): Promise<readonly string[]> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isKnown = isAllowed(allowed, host);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isKnown)) {
    throw new Refused(`only https is allowed, not ${url.protocol.slice(0, -1)}`);
  }
  if (url.username !== '' || url.password !== '') throw new Refused('a user name or password stands in the address');
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  if (port < 1024 && port !== 443 && port !== 80) throw new Refused(`port ${port} is not one of a web server`);
  const addresses = await addressesOf(host, proxyFor(url, env) !== undefined, resolve);
  const refused = refusedAddress(allowed, host, addresses);
  if (refused === undefined) return addresses;
  throw new Refused(`${host === refused ? refused : `${host} (${refused})`} is no address of the public internet`);
}

async function addressesOf(host: string, behindProxy: boolean, resolve: Resolve): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  // Nothing is ever found there (RFC 6761), so nobody needs to be asked.
  if (/(^|\.)invalid\.?$/i.test(host)) throw new Failed('the name of the server is not known', { mayPass: false });
  if (/(^|\.)localhost\.?$/i.test(host)) return ['127.0.0.1'];
  try {
    return await resolve(host);
  } catch (error) {
    if (behindProxy) return [];
    throw error;
  }
}

function resolveBySystem(host: string): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    systemLookup(host, { all: true, verbatim: true }, (error, found) => {
      if (error) reject(error);
      else resolve(found.map(({ address }) => address));
    });
  });
}

/** A resolver that knows one answer: what was looked at is what is connected to. */
function pinned(addresses: readonly string[]): LookupFunction {
  return (_host, options, callback) => {
    const found = addresses.map((address) => ({ address, family: isIP(address) }));
    const [first] = found;
    if (first === undefined) callback(new Error('no address'), '', 0);
    else if (options.all) callback(null, found);
    else callback(null, first.address, first.family);
  };
}

async function ask(
  url: URL,
  addresses: readonly string[],
  options: GetOptions,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const proxy = proxyFor(url, options.env);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const secure = url.protocol === 'https:';
  const socket = proxy && secure ? await tunnel(proxy, { host, port: Number(url.port || 443) }, signal) : undefined;
  const { post } = options;
  const form =
    post === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(post) };
  const common = {
    method: post === undefined ? 'GET' : 'POST',
    agent: false,
    signal,
    headers: { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'pipewright', ...form, ...options.headers },
  } as const;
  return new Promise((resolve, reject) => {
    const asked = secure
      ? httpsRequest(url, {
          ...common,
          ...(socket === undefined ? { lookup: pinned(addresses) } : { createConnection: () => secured(socket, host) }),
        })
      : httpRequest(url, { ...common, lookup: pinned(addresses) });
    asked.once('error', reject);
    asked.once('response', resolve);
    asked.end(post);
  });
}

function secured(socket: Socket, host: string): Socket {
  return tlsConnect({ socket, ...(isIP(host) === 0 ? { servername: host } : {}) });
}

async function readBody(response: IncomingMessage, { maxBytes }: GetOptions): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new Failed(`it has more than ${maxBytes / 1024 / 1024} MB`, { mayPass: false });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
