import { request } from 'node:http';
import type { Socket } from 'node:net';

type Environment = Readonly<Record<string, string | undefined>>;

/** The proxy that an https address is reached by, as curl and git find it; undefined: none. */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  const value = env['https_proxy'] || env['HTTPS_PROXY'] || env['all_proxy'] || env['ALL_PROXY'];
  if (!value || isExcepted(url, env['no_proxy'] || env['NO_PROXY'] || '')) return undefined;
  const text = value.includes('://') ? value : `http://${value}`;
  return URL.canParse(text) && /^http:/i.test(text) ? new URL(text) : undefined;
}

function isExcepted(url: URL, list: string): boolean {
  const host = url.hostname.toLowerCase();
  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const [name = '', port] = entry
        .toLowerCase()
        .replace(/^\*?\./, '')
        .split(':');
      if (port !== undefined && port !== (url.port || '443')) return false;
      return host === name || host.endsWith(`.${name}`);
    });
}

/** A connection through a proxy to a host. Rejects when the proxy can't be reached or refuses. */
export function tunnel(
  proxy: URL,
  target: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<Socket> {
  const login = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
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
        ...(login === ':' ? {} : { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` }),
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
