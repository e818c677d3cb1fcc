import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAuthority } from '../../executors/support/certificates.ts';
import { clientOf, info } from '../support/network.ts';
import { scriptedServer } from '../support/scripted-server.ts';

const place = mkdtempSync(join(tmpdir(), 'runner-proxy-'));
const pem = (name: string): string => readFileSync(join(place, name), 'utf8');
const pair = (name: string) => ({ cert: pem(`${name}/cert.pem`), key: pem(`${name}/key.pem`) });
const ask = { info, systemId: 's_1', signal: new AbortController().signal };
const login = `Basic ${Buffer.from('me:canary%').toString('base64')}`;

beforeAll(async () => {
  const authority = await makeAuthority(place, 'authority');
  await authority.issue(join(place, 'server'), { names: 'DNS:gitlab.test' });
  await authority.issue(join(place, 'proxy'), { names: 'IP:127.0.0.1' });
});

afterAll(() => rmSync(place, { recursive: true, force: true }));

/** A proxy that wants a login, and passes all on to one place: it alone knows where hosts are. */
async function startProxy(kind: 'http' | 'https', target: string) {
  const asked: string[] = [];
  const { port } = new URL(target);
  const isKnown = (request: IncomingMessage): boolean => {
    asked.push(`${request.method} ${request.url}`);
    return request.headers['proxy-authorization'] === login;
  };
  const server = kind === 'http' ? createServer() : createSecureServer(pair('proxy'));
  server.on('connect', (request: IncomingMessage, socket: Duplex) => {
    if (!isKnown(request)) return socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const onward = connect(Number(port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    for (const one of [socket, onward]) one.on('error', () => {});
    return undefined;
  });
  server.on('request', (request, response) => response.writeHead(isKnown(request) ? 204 : 407).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    asked,
    host,
    url: `${kind}://me:canary%@${host}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe.each(['http', 'https'] as const)('through a proxy that is spoken to by %s', (kind) => {
  it('a server by https is reached', async () => {
    await using server = await scriptedServer(() => ({ status: 204 }), pair('server'));
    await using proxy = await startProxy(kind, server.url);
    const credentials = { url: 'https://gitlab.test', token: 't', tlsCaFile: join(place, 'authority', 'ca.pem') };
    const { client } = clientOf(credentials, { env: { HTTPS_PROXY: proxy.url } });
    for (const _ of [1, 2]) expect((await client.requestJob(ask)).kind).toBe('nothing');
    expect(proxy.asked).toEqual(['CONNECT gitlab.test:443']);
    expect(server.seen.map(({ headers }) => headers['proxy-authorization'])).toEqual([undefined, undefined]);
    client.close();
  });

  it('a server by http is asked for', async () => {
    await using proxy = await startProxy(kind, 'http://127.0.0.1:9');
    const credentials = { url: 'http://gitlab.test/x', token: 't', tlsCaFile: join(place, 'authority', 'ca.pem') };
    const { client } = clientOf(credentials, { env: { http_proxy: proxy.url } });
    expect((await client.requestJob(ask)).kind).toBe('nothing');
    expect(proxy.asked).toEqual(['POST http://gitlab.test/x/api/v4/jobs/request']);
    client.close();
  });

  it('a refusal is told without the password', async () => {
    await using proxy = await startProxy(kind, 'http://127.0.0.1:9');
    const env = { HTTPS_PROXY: proxy.url.replace('canary', 'other-canary') };
    const credentials = { url: 'https://gitlab.test', token: 't', tlsCaFile: join(place, 'authority', 'ca.pem') };
    const { client, lines } = clientOf(credentials, { env });
    const outcome = await client.requestJob(ask);
    expect(outcome).toMatchObject({ kind: 'failed', why: expect.stringContaining(`${proxy.host} answered 407`) });
    expect(JSON.stringify([outcome, lines])).not.toContain('canary');
    client.close();
  });
});

it('says what is wrong with a proxy of another kind', async () => {
  const { client, lines } = clientOf(
    { url: 'https://gitlab.test', token: 't' },
    { env: { HTTPS_PROXY: 'socks5://me:canary@127.0.0.1:1' } },
  );
  expect(await client.requestJob(ask)).toMatchObject({
    why: expect.stringContaining('HTTPS_PROXY names a socks5 proxy'),
  });
  expect(JSON.stringify(lines)).not.toContain('canary');
});
