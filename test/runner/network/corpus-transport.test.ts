import { expect, it } from 'vitest';
import { correlated, correlationIdOf } from '../../../src/runner/network/correlation.ts';
import { discard, readAll } from '../../../src/runner/network/exchange.ts';
import { jsonCall } from '../../../src/runner/network/json-call.ts';
import { metricPath } from '../../../src/runner/network/metric-path.ts';
import { askedWait, backoff, isRetriable } from '../../../src/runner/network/retry.ts';
import { describeRows, rowsOf } from '../support/corpus.ts';
import { jumpingClock, scriptedOf, transportOf } from '../support/network.ts';
import { inTurn, type Scripted, scriptedServer } from '../support/scripted-server.ts';

const waits = ['retry.wait.', 'retry.status_'];
const bytes = (text: string) => ({ kind: 'bytes' as const, bytes: Buffer.from(text) });

describeRows('correlation', () => {
  it.each(rowsOf('correlation.'))('$name', (row) => {
    const { given, expected } = row;
    if (given.sent !== undefined) {
      const headers =
        row.server_response === null ? undefined : { 'x-request-id': row.server_response.headers['X-Request-Id'] };
      expect(correlationIdOf(headers, given.sent)).toBe(expected.correlation_id);
      return;
    }
    const { headers, sent } = correlated(given.headers ?? undefined);
    expect(sent).toMatch(/^[0-9a-f]{32}$/);
    expect(headers).toEqual({ ...given.headers, 'X-Request-Id': sent });
  });
});

describeRows('JSON', () => {
  it.each(rowsOf('do_json.', 'content_type.'))('$name', async ({ given, server_response, expected }) => {
    await using server = await scriptedServer(inTurn(scriptedOf(server_response ?? { status: 200 })));
    const call = { method: 'GET', path: given.uri ?? 'x', expect: given.expect ?? 200, answer: 'decode' as const };
    const answer = await jsonCall(transportOf(server.url), call, { value: '' });
    expect(answer.status).toBe(expected.internal_status ?? expected.status);
    if (expected.text_contains) expect(answer.text).toContain(expected.text_contains);
    if (expected.status === 200) expect(answer.value).toEqual({ key: 'value' });
  });
});

describeRows('redirections', () => {
  it.each(rowsOf('redirect.'))('$name', async ({ given, server_response, expected }) => {
    await using server = await scriptedServer(inTurn(...server_response.map((one: Scripted) => ({ ...one }))));
    const transport = transportOf(server.url);
    const body = row(given.body);
    const answer = await transport.call({ method: given.method, path: given.path, ...body });
    await discard(answer);
    expect(answer.status).toBe(expected.status);
    expect(server.seen.map(({ url }) => url)).toEqual(['/', '/redirected']);
    expect(server.seen[1]).toMatchObject({ method: expected.method_kept });
    expect(server.seen[1]!.body.toString()).toBe(expected.body_at_target);
  });

  function row(text: string) {
    return text === '' ? {} : { body: bytes(text) };
  }
});

describeRows('tries', () => {
  const tries = rowsOf('retry.').filter(({ name }) => !waits.some((prefix) => name.startsWith(prefix)));

  it.each(tries)('$name', async ({ given, server_response, expected }) => {
    const list = server_response.map((one: number | Scripted) => (typeof one === 'number' ? { status: one } : one));
    await using server = await scriptedServer(inTurn(...list));
    const jumping = jumpingClock();
    const stop = new AbortController();
    const isCanceled = expected.error === 'canceled';
    const clock = isCanceled ? { ...jumping, sleep: async () => stop.abort(new Error('canceled')) } : jumping;
    const transport = transportOf(server.url, { clock, limits: { maxAttempts: given.max_attempts ?? 3 } });
    const called = transport.call({ method: 'POST', path: 'x', body: bytes(given.body), signal: stop.signal });
    if (isCanceled) await expect(called).rejects.toThrow('canceled');
    else {
      const answer = await called;
      await discard(answer);
      expect(answer.status).toBe(expected.status);
      if (expected.attempts !== undefined) expect(answer.attempts).toBe(expected.attempts);
    }
    expect(server.seen).toHaveLength(expected.attempts ?? list.length);
    for (const { body } of server.seen) expect(body.toString()).toBe('somebody');
    if (expected.total_wait === 'about 2 s') expect(jumping.slept).toEqual([1000, 1000]);
    if (expected.total_wait === 'backoff') expect(jumping.slept).toEqual([100, 150]);
  });

  it.each(rowsOf('retry.wait.'))('$name', ({ given, expected }) => {
    const now = Date.parse('2026-01-02T03:04:05Z');
    const headers = Object.fromEntries(
      Object.entries<string>(given.headers).map(([name, value]) => [
        name.toLowerCase(),
        value === 'now+120s' ? new Date(now + 120_000).toUTCString() : value,
      ]),
    );
    const waitMs = askedWait(headers, now) ?? backoff({ minMs: 100, maxMs: 60_000, random: Math.random }).next();
    expect(waitMs / 1000).toBeCloseTo(expected.wait_s, 5);
  });

  it.each(rowsOf('retry.status_'))('$name', ({ given, expected }) => {
    expect(isRetriable(given.status)).toBe(expected.retry);
  });

  it.each(rowsOf('retry_tracker.'))('$name', async ({ server_response, expected }) => {
    await using server = await scriptedServer(
      inTurn(...server_response.map((status: number) => ({ status, body: 'x' }))),
    );
    const answer = await transportOf(server.url).call({ method: 'GET', path: 'x' });
    expect((await readAll(answer, 10)).toString()).toBe('x');
    // The answer itself tells: nobody has to hand a tracker in.
    expect(answer).toMatchObject({ status: expected.status, retried: expected.tracker ?? true });
  });
});

describeRows('statistics', () => {
  it.each(rowsOf('metric_path '))('$name', ({ given, expected }) => {
    expect(metricPath(given.path)).toBe(expected.normalized);
  });
});
