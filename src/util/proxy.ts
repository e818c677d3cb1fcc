import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlockList, isIP, type Socket } from 'node:net';
import type { SecureContext } from 'node:tls';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that an address is reached by, as curl and git find it; undefined: none. It is spoken to by http or https.
 * @throws Error for a proxy of another kind (socks5): without it nothing may be reached.
 */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  const scheme = url.protocol === 'http:' ? 'http' : 'https';
  const names = [`${scheme}_proxy`, `${scheme.toUpperCase()}_PROXY`, 'all_proxy', 'ALL_PROXY'];
  const name = names.find((one) => env[one]) ?? '';
  const value = env[name];
  if (!value || isExcepted(url, env['no_proxy'] || env['NO_PROXY'] || '')) return undefined;
  const text = value.includes('://') ? value : `http://${value}`;
  if (URL.canParse(text) && /^https?:/i.test(text)) return new URL(text);
  // The value may hold a password.
  const kind = /^[a-z][a-z\d+.-]*(?=:\/\/)/i.exec(value)?.[0];
  const what = kind === undefined ? 'no proxy that can be read' : `a ${kind} proxy`;
  throw new Error(`${name} names ${what}: only http:// and https:// can be used here; NO_PROXY goes without`);
}

function isExcepted(url: URL, list: string): boolean {
  const host = url.hostname.toLowerCase().replace(/^\[|\]$/g, '');
  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => entry === '*' || isNetworkOf(entry, host) || isNameOf(entry.toLowerCase(), host, url));
}

/** `10.0.0.0/8` */
function isNetworkOf(entry: string, host: string): boolean {
  const [address = '', bits = ''] = entry.split('/');
  const family = isIP(address);
  if (family === 0 || family !== isIP(host) || !/^\d{1,3}$/.test(bits)) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  if (Number(bits) > (family === 4 ? 32 : 128)) return false;
  const network = new BlockList();
  network.addSubnet(address, Number(bits), type);
  return network.check(host, type);
}

function isNameOf(entry: string, host: string, url: URL): boolean {
  if (isIP(entry.replace(/^\[|\]$/g, '')) === 6) return entry.replace(/^\[|\]$/g, '') === host;
  const [name = '', port] = entry.replace(/^\*?\./, '').split(':');
  if (port !== undefined && port !== (url.port || (url.protocol === 'http:' ? '80' : '443'))) return false;
  return host === name || host.endsWith(`.${name}`);
}

/** The header `Proxy-Authorization` for the user that stands in a proxy's address. */
export function proxyLogin(proxy: URL): string | undefined {
  const login = `${decoded(proxy.username)}:${decoded(proxy.password)}`;
  return login === ':' ? undefined : `Basic ${Buffer.from(login).toString('base64')}`;
}

/** A `%` that stands for itself is left as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Where a proxy listens, for a request to it. */
export function proxyAddress(proxy: URL): {
  readonly host: string;
  readonly port: number;
  readonly servername?: string;
} {
  const host = proxy.hostname.replace(/^\[|\]$/g, '');
  if (proxy.protocol !== 'https:') return { host, port: Number(proxy.port || 80) };
  return { host, port: Number(proxy.port || 443), servername: isIP(host) === 0 ? host : '' };
}

/**
 * A connection through a proxy to a host. Rejects when the proxy can't be reached or refuses.
 * @param secureContext whom a proxy that is spoken to by https is believed; default: the authorities of the system.
 */
export function tunnel(
  proxy: URL,
  target: { readonly host: string; readonly port: number },
  signal: AbortSignal,
  secureContext?: SecureContext,
): Promise<Socket> {
  const login = proxyLogin(proxy);
  const authority = `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
  const request = proxy.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const asked = request({
      method: 'CONNECT',
      ...proxyAddress(proxy),
      ...(secureContext === undefined ? {} : { secureContext }),
      // Its own connection: it is no longer one of HTTP afterwards.
      agent: false,
      path: authority,
      signal,
      headers: {
        host: authority,
        ...(login === undefined ? {} : { 'proxy-authorization': login }),
      },
    });
    asked.once('connect', (response, socket) => {
      if (response.statusCode === 200) return resolve(socket);
      socket.destroy();
      reject(new Error(`the proxy ${proxy.host} answered ${response.statusCode}`));
    });
    asked.once('response', (response) => {
      response.resume();
      reject(new Error(`the proxy ${proxy.host} answered ${response.statusCode}`));
    });
    asked.once('error', reject);
    asked.end();
  });
}
