import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { baseUrlOf } from '../../../src/runner/network/base-url.ts';
import { createClients } from '../../../src/runner/network/create-client.ts';
import type { CallObserved } from '../../../src/runner/network/transport.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { deferred } from '../../../src/util/deferred.ts';
import { clientOf, info, jumpingClock, networkGiven } from '../support/network.ts';
import { inTurn, json, scriptedServer } from '../support/scripted-server.ts';

const job = { id: 7, token: 'glcbt-secret' };
const running = { state: 'running', info } as const;
const never = new AbortController().signal;
const ask = { info, systemId: 's_0123456789ab', signal: never };

describe('a request for a job', () => {
  it('says who asks, and sends the token twice', async () => {
    await using server = await scriptedServer(inTurn({ status: 204 }));
    const { client } = clientOf({ url: `${server.url}/gitlab/ci/`, token: 'glrt-abc' });
    await client.requestJob(ask);
    const [seen] = server.seen;
    expect(seen!.url).toBe('/gitlab/api/v4/jobs/request');
    expect(seen!.headers).toMatchObject({
      'runner-token': 'glrt-abc',
      'content-type': 'application/json',
      accept: 'application/json',
      'user-agent': expect.stringMatching(/^gitlab-runner 0\.1\.0 \(pipewright; node20\.\S+; linux\/amd64\)$/),
    });
    expect(seen!.json()).toMatchObject({ token: 'glrt-abc', system_id: 's_0123456789ab' });
    expect(seen!.json()).not.toHaveProperty('last_update');
  });

  it('remembers the last update, and no empty one', async () => {
    const update = (value: string) => ({ status: 204, headers: { 'X-GitLab-Last-Update': value } });
    await using server = await scriptedServer(inTurn(update('one'), update(''), update('two'), { status: 204 }));
    const { client } = clientOf({ url: server.url, token: 't' });
    for (let count = 0; count < 4; count++) await client.requestJob(ask);
    expect(server.seen.map((seen) => seen.json()['last_update'])).toEqual([undefined, 'one', 'one', 'two']);
    expect(client.lastUpdate).toBe('two');
  });

  it('can be ended while the server holds it', async () => {
    const held = deferred();
    const stop = new AbortController();
    await using server = await scriptedServer(async () => {
      held.resolve();
      await new Promise(() => {});
      return {};
    });
    const { client } = clientOf({ url: server.url, token: 't' });
    const outcome = client.requestJob({ ...ask, signal: stop.signal });
    await held.promise;
    stop.abort();
    expect(await outcome).toEqual({ kind: 'aborted', healthy: true, retried: false });
    expect(await client.requestJob({ ...ask, signal: stop.signal })).toMatchObject({ kind: 'aborted' });
    expect(server.seen).toHaveLength(1);
  });

  it.each([
    [
      { id: 3, token: 'x', variables: 'no' },
      { id: 3, token: 'x' },
    ],
    [{ token: 'x' }, undefined],
  ])('keeps what is needed to give back a job that can not be read: %j', async (body, credentials) => {
    await using server = await scriptedServer(inTurn(json(201, body)));
    const { client } = clientOf({ url: server.url, token: 't' });
    expect(await client.requestJob(ask)).toMatchObject({ kind: 'unreadable', healthy: true, credentials });
  });

  it.each([409, 422, 400, 404, 501])('is healthy after %i', async (status) => {
    await using server = await scriptedServer(inTurn({ status }));
    const { client } = clientOf({ url: server.url, token: 't' });
    expect(await client.requestJob(ask)).toMatchObject({ kind: 'failed', status, healthy: true });
  });

  it('is healthy when nobody answers, and has tried once', async () => {
    await using server = await scriptedServer(inTurn({ dropped: true }));
    const { client, lines } = clientOf({ url: server.url, token: 't' });
    expect(await client.requestJob(ask)).toMatchObject({ kind: 'failed', status: -1, healthy: true });
    expect(server.seen).toHaveLength(1);
    expect(lines.at(-1)).toMatchObject({ level: 'warning', message: 'Checking for jobs... failed' });
  });

  it('never shows a token in the log', async () => {
    await using server = await scriptedServer(inTurn(json(403, { message: '403 Forbidden' })));
    const { client, lines } = clientOf({ url: server.url, token: 'glrt-t1_abcdefghijklmnop' });
    await client.requestJob(ask);
    await client.verify({ info });
    expect(JSON.stringify(lines)).not.toContain('abcdefghijk');
    expect(lines[0]!.fields).toMatchObject({ runner: 'abcdefghi' });
  });
});

describe('a job that is told of', () => {
  it.each([
    [{ status: 200, headers: { 'Job-Status': 'canceled' } }, 'abort'],
    [{ status: 202, headers: { 'Job-Status': 'failed' } }, 'abort'],
    [{ status: 403 }, 'abort'],
    [{ status: 409 }, 'failed'],
    [{ status: 500 }, 'failed'],
    [{ dropped: true }, 'failed'],
  ])('%j', async (answer, state) => {
    await using server = await scriptedServer(inTurn(answer));
    const { client } = clientOf({ url: server.url, token: 't' }, { limits: { maxAttempts: 1 } });
    expect((await client.updateJob(job, running)).state).toBe(state);
  });

  it('warns of an answer that says it is over, but not of the echo of its own failure', async () => {
    const over = { status: 200, headers: { 'Job-Status': 'failed' } };
    await using server = await scriptedServer(inTurn(over, over));
    const { client, lines } = clientOf({ url: server.url, token: 't' });
    await client.updateJob(job, { ...running, state: 'failed' });
    await client.updateJob(job, running);
    expect(lines.filter(({ message }) => message.startsWith('Updating')).map(({ level }) => level)).toEqual([
      'debug',
      'warning',
    ]);
  });

  it('is over where the address is wrong', async () => {
    const { client } = clientOf({ url: 'ftp://x', token: 't' });
    expect((await client.updateJob(job, running)).state).toBe('abort');
    const patch = { content: Buffer.from('x'), startOffset: 0, debugTrace: 'off' } as const;
    expect((await client.patchTrace(job, patch)).state).toBe('failed');
  });

  it('leaves out what is not there', async () => {
    await using server = await scriptedServer(inTurn({ status: 200 }));
    const { client } = clientOf({ url: server.url, token: 't' });
    await client.updateJob(job, { state: 'failed', info, exitCode: 0, failureReason: '' });
    await client.updateJob(job, { state: 'failed', info, exitCode: -1, failureReason: 'script_failure' });
    expect(Object.keys(server.seen[0]!.json())).toEqual(['info', 'token', 'state', 'output']);
    expect(server.seen[1]!.json()).toMatchObject({ exit_code: -1, failure_reason: 'script_failure', output: {} });
  });

  it('takes an interval that is no number as none, and says so', async () => {
    await using server = await scriptedServer(
      inTurn({ status: 200, headers: { 'X-GitLab-Trace-Update-Interval': '1s' } }),
    );
    const { client, lines } = clientOf({ url: server.url, token: 't' });
    expect((await client.updateJob(job, running)).updateIntervalSeconds).toBe(0);
    expect(lines.some(({ level, message }) => level === 'warning' && message.includes('"1s"'))).toBe(true);
  });
});

describe('connections', () => {
  it('are used again, shared by one set of credentials, and dropped when old', async () => {
    const sockets = new Set<Socket>();
    await using server = await scriptedServer(inTurn({ status: 204 }));
    server.server.on('connection', (socket) => sockets.add(socket));
    const clock = jumpingClock();
    const clients = createClients(networkGiven({ clock }));
    const credentials = { url: server.url, token: 't' };
    await clients.of(credentials).requestJob(ask);
    await clients.of({ ...credentials }).requestJob(ask);
    expect(sockets.size).toBe(1);
    clock.advance(15 * 60_000);
    await clients.of(credentials).requestJob(ask);
    expect(sockets.size).toBe(2);
    const first = clients.of(credentials);
    clients.close([credentials]);
    expect(clients.of(credentials)).toBe(first);
    clients.close();
    expect(clients.of(credentials)).not.toBe(first);
    clients.close();
  });

  it('are kept after answers that are no success, too', async () => {
    const sockets = new Set<Socket>();
    const html = { status: 409, headers: { 'Content-Type': 'text/html' }, body: '<h1>no</h1>' };
    await using server = await scriptedServer(inTurn(html, json(422, { message: 'no' }), { status: 204 }));
    server.server.on('connection', (socket) => sockets.add(socket));
    const { client } = clientOf({ url: server.url, token: 't' });
    for (const status of [409, 422]) expect(await client.requestJob(ask)).toMatchObject({ status });
    await client.requestJob(ask);
    expect(sockets.size).toBe(1);
    client.close();
  });

  it('go through a proxy, but for hosts that are excepted', async () => {
    await using server = await scriptedServer(inTurn({ status: 204 }));
    const asked: string[] = [];
    const { port } = new URL(server.url);
    await using proxy = await scriptedServer(() => ({ status: 204 }));
    proxy.server.on('request', (request) => asked.push(`${request.method} ${request.url} ${request.headers.host}`));
    const env = { HTTP_PROXY: proxy.url.replace('//', '//me:pass@'), NO_PROXY: 'inside.test,127.0.0.0/8' };
    const { client } = clientOf({ url: 'http://gitlab.test:8080/x', token: 't' }, { env });
    expect((await client.requestJob(ask)).kind).toBe('nothing');
    expect(asked).toEqual(['POST http://gitlab.test:8080/x/api/v4/jobs/request gitlab.test:8080']);
    expect(proxy.seen[0]!.headers['proxy-authorization']).toBe(`Basic ${Buffer.from('me:pass').toString('base64')}`);
    const direct = clientOf({ url: `http://localhost:${port}`, token: 't' }, { env: { HTTP_PROXY: proxy.url } });
    expect((await direct.client.requestJob(ask)).kind).toBe('nothing');
    expect(asked).toHaveLength(1);
    expect(server.seen).toHaveLength(1);
  });

  it('to https tunnel through a proxy', async () => {
    const asked: string[] = [];
    const proxy = createServer();
    proxy.on('connect', (request, socket) => {
      asked.push(`${request.url}`);
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const env = { https_proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
    const { client } = clientOf({ url: 'https://gitlab.test', token: 't' }, { env });
    expect(await client.requestJob(ask)).toMatchObject({
      kind: 'failed',
      why: expect.stringContaining('answered 407'),
    });
    expect(asked).toEqual(['gitlab.test:443']);
    proxy.close();
  });

  it('have limits of time', async () => {
    await using server = await scriptedServer(() => new Promise(() => {}));
    const quick = { clock: systemClock, limits: { headersMs: 30 } };
    const { client } = clientOf({ url: server.url, token: 't' }, quick);
    expect(await client.requestJob(ask)).toMatchObject({
      status: -1,
      why: expect.stringContaining('no answer within 30 ms'),
    });
    const whole = clientOf({ url: server.url, token: 't' }, { clock: systemClock, limits: { totalMs: 30 } });
    expect(await whole.client.requestJob(ask)).toMatchObject({ why: expect.stringContaining('not done within 30 ms') });
  });

  it('are told to who counts', async () => {
    await using server = await scriptedServer(inTurn({ status: 429 }, { status: 202 }));
    const calls: CallObserved[] = [];
    const { client } = clientOf({ url: server.url, token: 't' }, { observe: (call) => calls.push(call) });
    await client.patchTrace(job, { content: Buffer.from('x'), startOffset: 0, debugTrace: 'off' });
    expect(calls).toMatchObject([{ method: 'PATCH', path: 'jobs/{id}/trace', status: 202, attempts: 2 }]);
  });
});

it('knows where an interface is', () => {
  const of = (url: string): string => {
    const base = baseUrlOf(url);
    return base.kind === 'ok' ? base.url.href : base.why;
  };
  expect(of('https://h/gitlab/ci///')).toBe('https://h/gitlab/api/v4/');
  expect(of('HTTPS://H:8443')).toBe('https://h:8443/api/v4/');
  expect(of('https://')).toContain('only http');
  expect(of('https://a b')).toContain('no address');
  expect(of('https://h/?a=b')).toContain('no query');
});
