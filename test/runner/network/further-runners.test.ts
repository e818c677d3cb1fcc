import { describe, expect, it } from 'vitest';
import { baseUrlOf, fixedUrl } from '../../../src/runner/network/base-url.ts';
import { metricPath } from '../../../src/runner/network/metric-path.ts';
import { askedWait, isRetriable } from '../../../src/runner/network/retry.ts';
import { clientOf, info, jumpingClock } from '../support/network.ts';
import { inTurn, json, type Scripted, scriptedServer } from '../support/scripted-server.ts';

const never = { id: 5, token: 'new', token_expires_at: null };

describe('addresses', () => {
  it.each([
    ['http://h', 'http://h/api/v4/'],
    ['http://h:8080/ci', 'http://h:8080/api/v4/'],
    ['HTTPS://H/ci/', 'https://h/api/v4/'],
    ['https://h/a/b/ci///', 'https://h/a/b/api/v4/'],
    ['https://h/cicd', 'https://h/cicd/api/v4/'],
    ['https://h/a-ci', 'https://h/a-ci/api/v4/'],
    ['https://h/ci/gitlab', 'https://h/ci/gitlab/api/v4/'],
    ['https://[::1]:8443/ci', 'https://[::1]:8443/api/v4/'],
    ['  https://h/ ', 'https://h/api/v4/'],
  ])('%s is %s', (url, base) => {
    expect(baseUrlOf(url)).toEqual({ kind: 'ok', url: new URL(base) });
  });

  it.each(['', 'ftp://h', 'h:8080', '//h', 'unix:///var/run/x', 'http://', 'http:// /', 'https://h?x=1'])(
    '"%s" is none, and nobody is asked',
    async (url) => {
      expect(baseUrlOf(url).kind).toBe('wrong');
      const { client } = clientOf({ url, token: 't' });
      const { signal } = new AbortController();
      expect(await client.requestJob({ info, systemId: 's', signal })).toMatchObject({ status: -100, healthy: false });
      expect(await client.verify({ info })).toMatchObject({ kind: 'unknown' });
      expect(await client.unregister()).toBe(false);
      expect(await client.resetToken()).toMatchObject({ kind: 'failed', status: -100 });
    },
  );

  it('lose one /ci alone', () => {
    expect(fixedUrl('https://h/ci/ci')).toBe('https://h/ci');
  });
});

describe('registering, by what the server answers', () => {
  it.each<Scripted & { readonly name: string; readonly ok: boolean; readonly why?: string }>([
    { name: 'made', ...json(201, never), ok: true },
    {
      name: 'made with a charset',
      ...json(201, never, { 'Content-Type': 'application/json;charset=UTF-8' }),
      ok: true,
    },
    { name: 'no 201', ...json(200, never), ok: false },
    { name: 'text', status: 201, body: JSON.stringify(never), ok: false, why: 'not application/json' },
    { name: 'a wrong token', ...json(403, { message: '403 Forbidden - invalid token supplied' }), ok: false },
    {
      name: 'switched off',
      ...json(410, { message: '410 Gone' }),
      ok: false,
      why: 'registration tokens are switched off',
    },
    {
      name: 'two problems',
      ...json(400, {
        message: { tags_list: ['can not be empty'], maximum_timeout: ['needs to be at least 10 minutes'] },
      }),
      ok: false,
      why: '400 Bad Request (tags_list: can not be empty, maximum_timeout: needs to be at least 10 minutes)',
    },
    { name: 'a wrong date', ...json(201, { ...never, token_expires_at: 'soon' }), ok: false, why: 'is no time' },
    { name: 'a cut connection', dropped: true, ok: false },
  ])('$name', async ({ ok, why = '', ...answer }) => {
    await using server = await scriptedServer(inTurn(answer));
    const { client, lines } = clientOf({ url: server.url, token: 'GR1348941abcdefghi-secret' });
    const request = {
      tags: ['a b', 'c'],
      runUntagged: false,
      locked: false,
      maximumTimeoutSeconds: 0,
      paused: true,
      info,
    };
    const answered = await client.register(request);
    expect(answered.kind).toBe(ok ? 'ok' : 'failed');
    if (answered.kind === 'failed') expect(answered.why).toContain(why);
    expect(server.seen).toHaveLength(1);
    expect(server.seen[0]!.json()).toEqual({
      ...{ tag_list: 'a b,c', run_untagged: false, locked: false, paused: true, token: 'GR1348941abcdefghi-secret' },
      info: JSON.parse(JSON.stringify(info)),
    });
    expect(lines.at(-1)!.message).toMatch(ok ? /\.\.\. succeeded$/ : /\.\.\. failed/);
    expect(JSON.stringify(lines)).not.toContain('secret');
    client.close();
  });
});

describe('verifying, by what the server answers', () => {
  it.each<Scripted & { readonly name: string; readonly token: string; readonly is: string; readonly asks?: number }>([
    { name: 'text of an old server', status: 200, body: '200', token: 'old', is: 'valid', asks: 2 },
    {
      name: 'broken JSON',
      status: 200,
      headers: { 'Content-Type': 'application/json' },
      body: '{',
      token: 'old',
      is: 'valid',
      asks: 2,
    },
    { name: 'no 200', ...json(201, never), token: 'old', is: 'unknown' },
    { name: 'orphaned', ...json(422, { message: 'Runner is orphaned' }), token: 'glrt-x', is: 'unknown' },
    { name: 'not found', status: 404, token: 'glrt-x', is: 'unknown' },
    { name: 'too many', status: 429, token: 'glrt-x', is: 'unknown', asks: 5 },
    { name: 'forbidden', status: 403, token: 'glrt-x', is: 'removed' },
    { name: 'unauthorized', status: 401, token: 'old', is: 'unknown' },
    { name: 'a cut connection', dropped: true, token: 'old', is: 'unknown', asks: 2 },
  ])('$name: $is', async ({ token, is, asks = 1, ...answer }) => {
    await using server = await scriptedServer(() => answer);
    const { client } = clientOf({ url: server.url, token }, { clock: jumpingClock() });
    const verified = await client.verify({ info, systemId: 's_0123456789ab' });
    expect(verified.kind).toBe(is);
    expect(server.seen).toHaveLength(asks);
    for (const seen of server.seen) {
      expect(seen.json()).toMatchObject({ token, system_id: 's_0123456789ab' });
      expect(seen.headers['runner-token']).toBe(token);
    }
    client.close();
  });
});

describe('leaving, by what the server answers', () => {
  it.each([
    { status: 204, gone: true },
    { status: 200, gone: false },
    { status: 400, gone: false },
    { status: 403, gone: false },
    { status: 404, gone: false },
    { status: 500, gone: false },
  ])('$status: $gone', async ({ status, gone }) => {
    await using server = await scriptedServer(() => ({ status }));
    const { client } = clientOf({ url: server.url, token: 'glrt-x' }, { clock: jumpingClock() });
    expect(await client.unregisterManager('s_0123456789ab')).toBe(gone);
    expect(await client.unregister()).toBe(gone);
    const [first] = server.seen;
    expect(first).toMatchObject({ method: 'DELETE', url: '/api/v4/runners/managers' });
    expect(first!.json()).toEqual({ token: 'glrt-x', system_id: 's_0123456789ab' });
    expect(server.seen.at(-1)).toMatchObject({ method: 'DELETE', url: '/api/v4/runners' });
    expect(server.seen.at(-1)!.json()).toEqual({ token: 'glrt-x' });
    client.close();
  });
});

describe('a new token, by what the server answers', () => {
  it.each<Scripted & { readonly name: string; readonly ok: boolean }>([
    { name: 'one that never expires', ...json(201, { token: 'n', token_expires_at: null }), ok: true },
    { name: 'one that says nothing of it', ...json(201, { token: 'n' }), ok: true },
    { name: 'none', ...json(201, { token: '' }), ok: false },
    { name: 'no 201', ...json(200, { token: 'n' }), ok: false },
    { name: 'orphaned', ...json(422, { message: 'Runner is orphaned' }), ok: false },
    { name: 'unauthorized', ...json(401, { message: '401 Unauthorized' }), ok: false },
  ])('$name', async ({ ok, ...answer }) => {
    await using server = await scriptedServer(() => answer);
    const { client } = clientOf({ url: server.url, token: 'own' });
    expect((await client.resetToken()).kind).toBe(ok ? 'ok' : 'failed');
    expect((await client.resetTokenOf(42, 'glpat-x')).kind).toBe(ok ? 'ok' : 'failed');
    const [own, byPerson] = server.seen;
    expect(own!.headers['runner-token']).toBeUndefined();
    expect(own!.json()).toEqual({ token: 'own' });
    expect(byPerson).toMatchObject({ url: '/api/v4/runners/42/reset_authentication_token' });
    expect(byPerson!.headers).toMatchObject({ 'private-token': 'glpat-x', 'content-length': '0' });
    expect(byPerson!.headers['content-type']).toBeUndefined();
    client.close();
  });
});

describe('waiting', () => {
  const now = Date.parse('2026-01-02T03:04:05Z');

  it.each([
    [{ 'retry-after': '0' }, undefined],
    [{ 'retry-after': '-5' }, undefined],
    [{ 'retry-after': '1.5' }, undefined],
    [{ 'retry-after': ' 7 ' }, 7000],
    [{ 'retry-after': '9223372037' }, undefined],
    [{ 'retry-after': '99999999999999999999999' }, undefined],
    [{ 'retry-after': 'Fri, 02 Jan 2026 03:05:05 GMT' }, undefined],
    [{ 'ratelimit-resettime': 'Fri, 02 Jan 2026 03:04:35 GMT' }, 30_000],
    [{ 'ratelimit-resettime': 'Fri, 02 Jan 2026 03:04:35 GMT', 'retry-after': '5' }, 30_000],
    [{ 'ratelimit-resettime': 'Fri, 02 Jan 2026 03:04:00 GMT', 'retry-after': '5' }, 5000],
    [{ 'ratelimit-resettime': '1767323105' }, undefined],
    [{ 'ratelimit-resettime': '2026-01-02T03:05:05Z', 'retry-after': '2' }, 2000],
    [{ 'ratelimit-reset': '1767323105', 'ratelimit-remaining': '0' }, undefined],
    [{}, undefined],
  ])('%o: %s ms', (headers, ms) => {
    expect(askedWait(headers, now)).toBe(ms);
  });

  it.each([
    ...[408, 429, 500, 502, 503, 504, 512, 520, 599].map((status) => ({ status, again: true })),
    ...[100, 201, 202, 204, 301, 307, 400, 401, 403, 404, 409, 410, 412, 413, 416, 422, 425, 501, 505, 507, 511].map(
      (status) => ({ status, again: false }),
    ),
  ])('tries again after $status: $again', ({ status, again }) => {
    expect(isRetriable(status)).toBe(again);
  });

  it('grows by doubling and not beyond a minute, however long it goes on', async () => {
    await using server = await scriptedServer(() => ({ status: 500 }));
    const clock = jumpingClock();
    const limits = { maxAttempts: 13 };
    const { client } = clientOf({ url: server.url, token: 'x' }, { clock, limits, random: () => 0.999_999_999 });
    await client.unregister();
    const doubled = Array.from({ length: 12 }, (_, count) => Math.min(60_000, 100 * 2 ** count));
    expect(clock.slept.map(Math.round)).toEqual(doubled);
    client.close();
  });
});

describe('statistics', () => {
  it.each([
    ['jobs/request', 'jobs/request'],
    ['jobs/1/artifacts', 'jobs/{id}/artifacts'],
    ['runners/77/reset_authentication_token', 'runners/{id}/reset_authentication_token'],
    ['/jobs/12a', '/jobs/12a'],
    ['', ''],
  ])('%s counts as %s', (path, normalized) => {
    expect(metricPath(path)).toBe(normalized);
  });
});

describe('the log', () => {
  it('has the number that was sent where no answer came', async () => {
    await using server = await scriptedServer(() => ({ dropped: true }));
    const { client, lines } = clientOf({ url: server.url, token: 'x' });
    await client.unregister();
    expect(lines[0]!.fields['correlation_id']).toBe(server.seen[0]!.headers['x-request-id']);
    client.close();
  });

  it('has words for a status that came without', async () => {
    await using server = await scriptedServer(() => ({ status: 403, reason: ' ' }));
    const { client } = clientOf({ url: server.url, token: 'x' });
    const { signal } = new AbortController();
    expect(await client.requestJob({ info, systemId: 's', signal })).toMatchObject({
      why: expect.stringMatching(/: 403 Forbidden$/),
    });
    client.close();
  });
});
