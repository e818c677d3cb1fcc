import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAllowed, isPublicAddress } from '../../src/util/address-guard.ts';
import { checkAddress, type GetOptions, guardedGet } from '../../src/util/guarded-get.ts';
import { proxyFor } from '../../src/util/proxy.ts';

const options: GetOptions = {
  env: {},
  allowed: { entries: [] },
  timeoutMs: 5000,
  maxBytes: 1024,
  maxRedirects: 3,
  resolve: async () => ['93.184.216.34'],
};

describe('addresses that a stranger may name', () => {
  it.each([
    'https://127.0.0.1/a.yml',
    'https://127.1/a.yml',
    'https://2130706433/a.yml',
    'https://0x7f000001/a.yml',
    'https://0177.0.0.1/a.yml',
    'https://0/a.yml',
    'https://10.1.2.3/a.yml',
    'https://100.64.0.1/a.yml',
    'https://169.254.169.254/latest/meta-data',
    'https://172.31.255.255/a.yml',
    'https://192.168.1.1/a.yml',
    'https://198.18.0.1/a.yml',
    'https://224.0.0.1/a.yml',
    'https://255.255.255.255/a.yml',
    'https://[::1]/a.yml',
    'https://[::]/a.yml',
    'https://[::ffff:127.0.0.1]/a.yml',
    'https://[::ffff:7f00:1]/a.yml',
    'https://[64:ff9b::7f00:1]/a.yml',
    'https://[2002:7f00:1::]/a.yml',
    'https://[fe80::1]/a.yml',
    'https://[fd00::1]/a.yml',
    'https://localhost/a.yml',
    'https://some.localhost./a.yml',
    'https://①②⑦.0.0.1/a.yml',
    'http://example.org/a.yml',
    'ftp://example.org/a.yml',
    'file:///etc/passwd',
    'https://user:password@example.org/a.yml',
    'https://example.org:22/a.yml',
    'https://example.org:25/a.yml',
  ])('%s is refused', async (address) => {
    expect(await guardedGet(address, options)).toMatchObject({ kind: 'refused' });
  });

  it('are refused by the addresses of their names, even if only one of several is not public', async () => {
    for (const found of [['10.0.0.1'], ['93.184.216.34', '127.0.0.1'], ['::ffff:10.0.0.1'], ['fe80::1%eth0']]) {
      const got = await guardedGet('https://example.org/a.yml', { ...options, resolve: async () => found });
      expect([found, got.kind]).toEqual([found, 'refused']);
    }
    const fine = await checkAddress(new URL('https://example.org/a.yml'), options);
    expect(fine).toEqual({ kind: 'ok', addresses: ['93.184.216.34'] });
  });

  it('tells public addresses from others', () => {
    for (const address of ['8.8.8.8', '93.184.216.34', '172.32.0.1', '2606:4700::1111']) {
      expect([address, isPublicAddress(address)]).toEqual([address, true]);
    }
    for (const address of ['', 'x', '10.0.0.1', '2001:db8::1', '2001:0:1::1', 'ff02::1', '3fff::1']) {
      expect([address, isPublicAddress(address)]).toEqual([address, false]);
    }
  });

  it('can be allowed by name, by address, by network', () => {
    const allows = (entry: string, host: string, address?: string): boolean =>
      isAllowed({ entries: [entry] }, host, address);
    expect(allows('git.example.test', 'GIT.example.test')).toBe(true);
    expect(allows('*.example.test', 'git.example.test')).toBe(true);
    expect(allows('*.example.test', 'example.test')).toBe(false);
    expect(allows('*.example.test', 'evilexample.test')).toBe(false);
    expect(allows('10.0.0.0/8', 'git.example.test', '10.1.2.3')).toBe(true);
    expect(allows('10.0.0.0/8', 'git.example.test', '11.1.2.3')).toBe(false);
    expect(allows('fd00::/8', '[fd12::1]')).toBe(true);
    expect(allows('10.0.0.0/99', 'x', '10.1.2.3')).toBe(false);
    expect(allows('', 'x')).toBe(false);
  });
});

describe('guardedGet', () => {
  let server: Server;
  let port: number;
  const asked: string[] = [];
  const here: GetOptions = { ...options, allowed: { entries: ['127.0.0.1', 'site.test'] } };

  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(`${request.headers.host} ${request.url}`);
      const [, kind, rest] = (request.url ?? '').split('/');
      if (kind === 'loop') response.writeHead(302, { location: '/loop' }).end();
      else if (kind === 'hop')
        response.writeHead(307, { location: `/hop/${Number(rest) - 1}`.replace('/hop/0', '/') }).end();
      else if (kind === 'to') response.writeHead(301, { location: decodeURIComponent(rest!) }).end();
      else if (kind === 'large') response.end('x'.repeat(2000));
      else if (kind === 'slow') response.write('a');
      else if (kind === 'status') response.writeHead(Number(rest)).end();
      else response.writeHead(200, { 'content-type': 'text/yaml' }).end('a: 1\n');
    });
    // A proxy too: it passes everything on to the one server there is.
    server.on('connect', (request, client) => {
      asked.push(`CONNECT ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
      if (request.url === 'forbidden.test:443') return client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      const upstream = connect(port, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.pipe(client);
        client.pipe(upstream);
      });
      upstream.on('error', () => client.destroy());
      client.on('error', () => upstream.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });

  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });

  const get = (path: string, more: Partial<GetOptions> = {}) =>
    guardedGet(`http://127.0.0.1:${port}${path}`, { ...here, ...more });

  it('gets what is allowed, with its type', async () => {
    expect(await get('/')).toMatchObject({ kind: 'ok', body: Buffer.from('a: 1\n'), type: 'text/yaml' });
    expect(await get('/hop/3')).toMatchObject({ kind: 'ok' });
  });

  it('connects to the address that was looked at, and asks for it once', async () => {
    const answers = [['127.0.0.1'], ['10.0.0.1']];
    let calls = 0;
    const resolve = async () => answers[calls++] ?? [];
    const got = await guardedGet(`http://site.test:${port}/`, { ...here, resolve });
    expect(got).toMatchObject({ kind: 'ok' });
    expect(calls).toBe(1);
    expect(asked.at(-1)).toBe(`site.test:${port} /`);
  });

  it('looks at each redirect anew', async () => {
    for (const location of ['https://169.254.169.254/x', 'http://example.org/x', 'file:///etc/passwd']) {
      expect([location, (await get(`/to/${encodeURIComponent(location)}`)).kind]).toEqual([location, 'refused']);
    }
    expect(await get('/loop')).toMatchObject({ kind: 'failed', mayPass: false });
    expect(await get('/hop/5')).toMatchObject({ kind: 'failed' });
  });

  it('takes no more than it may, and waits no longer', async () => {
    expect(await get('/large')).toMatchObject({ kind: 'failed', mayPass: false });
    expect(await get('/slow', { timeoutMs: 200 })).toMatchObject({ kind: 'failed', mayPass: true });
  });

  it('tells what may pass from what stays', async () => {
    expect(await get('/status/404')).toMatchObject({ kind: 'failed', status: 404, mayPass: false });
    expect(await get('/status/503')).toMatchObject({ kind: 'failed', status: 503, mayPass: true });
    expect(await guardedGet('https://nowhere.invalid/a.yml', here)).toMatchObject({ kind: 'failed', mayPass: false });
  });

  it('goes through a proxy, with its login', async () => {
    const env = { HTTPS_PROXY: `http://me:pass@127.0.0.1:${port}`, NO_PROXY: 'inside.test' };
    // What is behind it speaks no TLS: that the tunnel was opened is what counts.
    await guardedGet('https://outside.test/a.yml', { ...here, env });
    expect(asked.at(-1)).toBe(`CONNECT outside.test:443 Basic ${Buffer.from('me:pass').toString('base64')}`);
    const forbidden = await guardedGet('https://forbidden.test/a.yml', { ...here, env });
    expect(forbidden).toMatchObject({ kind: 'failed', why: expect.stringContaining('403') });
    expect(await guardedGet('https://10.0.0.1/a.yml', { ...here, env })).toMatchObject({ kind: 'refused' });
  });
});

describe('proxyFor', () => {
  const proxy = 'http://proxy.test:3128';

  it.each([
    ['https://example.org/', {}, undefined],
    ['https://example.org/', { HTTPS_PROXY: proxy }, proxy],
    ['https://example.org/', { https_proxy: 'proxy.test:3128' }, proxy],
    ['https://example.org/', { ALL_PROXY: proxy }, proxy],
    ['https://example.org/', { HTTPS_PROXY: proxy, NO_PROXY: 'example.org' }, undefined],
    ['https://git.example.org/', { HTTPS_PROXY: proxy, NO_PROXY: 'a.test, .example.org' }, undefined],
    ['https://myexample.org/', { HTTPS_PROXY: proxy, NO_PROXY: 'example.org' }, proxy],
    ['https://example.org/', { HTTPS_PROXY: proxy, NO_PROXY: 'example.org:8443' }, proxy],
    ['https://example.org/', { HTTPS_PROXY: proxy, NO_PROXY: '*' }, undefined],
    ['https://example.org/', { HTTPS_PROXY: 'https://proxy.test' }, 'https://proxy.test'],
    ['http://example.org/', { HTTPS_PROXY: proxy }, undefined],
    ['http://example.org/', { HTTP_PROXY: proxy }, proxy],
    ['http://example.org/', { http_proxy: proxy, NO_PROXY: 'example.org:80' }, undefined],
    ['https://10.1.2.3/', { HTTPS_PROXY: proxy, NO_PROXY: '10.0.0.0/8' }, undefined],
    ['https://11.1.2.3/', { HTTPS_PROXY: proxy, NO_PROXY: '10.0.0.0/8,10.0.0.0/99' }, proxy],
    ['https://[fd00::1]/', { HTTPS_PROXY: proxy, NO_PROXY: 'fd00::/8' }, undefined],
    ['https://[fd00::1]/', { HTTPS_PROXY: proxy, NO_PROXY: '[fd00::1]' }, undefined],
  ])('%s with %j is %s', (url, env, expected) => {
    expect(proxyFor(new URL(url), env)?.origin).toBe(expected);
  });

  it('refuses what it can not speak to, and shows no password', () => {
    const of = (value: string, more = {}) => proxyFor(new URL('https://example.org/'), { ALL_PROXY: value, ...more });
    expect(() => of('socks5://me:canary@proxy.test')).toThrow('ALL_PROXY names a socks5 proxy');
    expect(() => of('me:canary@:1')).toThrow('ALL_PROXY names no proxy that can be read');
    for (const value of ['socks5://me:canary@proxy.test', 'me:canary@:1'])
      expect(() => of(value)).not.toThrow('canary');
    expect(of('socks5://proxy.test', { NO_PROXY: 'example.org' })).toBeUndefined();
  });
});
