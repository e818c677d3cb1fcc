import { request } from 'node:http';
import { BlockList, isIP, type Socket } from 'node:net';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that an address is reached by, as curl and git find it; undefined: none. Proxies that are spoken to by http
 * are known, no others.
 */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  const scheme = url.protocol === 'http:' ? 'http' : 'https';
  const own = env[`${scheme}_proxy`] || env[`${scheme.toUpperCase()}_PROXY`];
  const value = own || env['all_proxy'] || env['ALL_PROXY'];
  if (!value || isExcepted(url, env['no_proxy'] || env['NO_PROXY'] || '')) return undefined;
  const text = value.includes('://') ? value : `http://${value}`;
  return URL.canParse(text) && /^http:/i.test(text) ? new URL(text) : undefined;
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
  const login = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return login === ':' ? undefined : `Basic ${Buffer.from(login).toString('base64')}`;
}

/** A connection through a proxy to a host. Rejects when the proxy can't be reached or refuses. */
export function tunnel(
  proxy: URL,
  target: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<Socket> {
  const login = proxyLogin(proxy);
  const authority = `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
  return new Promise((resolve, reject) => {
    const asked = request({
      method: 'CONNECT',
      host: proxy.hostname,
      port: proxy.port || 80,
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
