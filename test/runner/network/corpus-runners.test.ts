import { expect, it } from 'vitest';
import { baseUrlOf, fixedUrl } from '../../../src/runner/network/base-url.ts';
import { createClients } from '../../../src/runner/network/create-client.ts';
import { describeRows, type Row, rowsOf } from '../support/corpus.ts';
import { clientOf, info, networkGiven, scriptedOf } from '../support/network.ts';
import { type ScriptedServer, scriptedServer } from '../support/scripted-server.ts';

async function serverFor(row: Row): Promise<ScriptedServer> {
  return scriptedServer((seen) => scriptedOf(row.server_response, seen.json() as { token?: string }));
}

function checkRequest(row: Row, server: ScriptedServer): void {
  const [seen] = server.seen;
  expect(`${seen?.method} ${seen?.url}`).toBe(`${row.given.method} ${row.given.path}`);
  for (const [name, value] of Object.entries<string>(row.given.headers ?? {})) {
    const sent = seen!.headers[name.toLowerCase()];
    if (value === 'non-empty') expect(sent).toBeTruthy();
    else expect(sent).toBe(value === '== body.token' ? seen!.json()['token'] : value);
  }
  if (row.given.body === null) expect(seen!.body.length).toBe(0);
  else if (row.given.body !== undefined) expect(seen!.json()).toMatchObject(row.given.body);
}

function checkLog(row: Row, lines: readonly { readonly level: string; readonly message: string }[]): void {
  const text = lines.map(({ level, message }) => `${level} ${message}`).join('\n');
  for (const part of String(row.expected.log ?? '').split(/^error \.\.\. |\n/)) expect(text).toContain(part);
}

describeRows('addresses and clients', () => {
  it.each(rowsOf('client.'))('$name', async (row) => {
    const { given, expected } = row;
    if (given.creds !== undefined) {
      const clients = createClients(networkGiven());
      const [one, other] = given.creds.map((made: Record<string, string>) =>
        clients.of({
          url: made['url']!,
          token: '',
          tlsCaFile: made['tls_ca_file']!,
          ...(made['tls_cert_file'] ? { tlsCertFile: made['tls_cert_file'], tlsKeyFile: made['tls_key_file']! } : {}),
        }),
      );
      expect(one === other).toBe(expected.same_client);
      return;
    }
    if (expected.fixed !== undefined) return expect(fixedUrl(given.url)).toBe(expected.fixed);
    const base = baseUrlOf(given.url);
    if (expected.base_url !== undefined) return expect(base.kind === 'ok' && base.url.href).toBe(expected.base_url);
    expect(base.kind === 'wrong' && base.why).toContain(expected.error ?? expected.error_contains);
    const { client } = clientOf({ url: given.url, token: 't' });
    expect(await client.resetToken()).toMatchObject({ kind: 'failed', status: expected.internal_status ?? -100 });
  });
});

describeRows('runners', () => {
  it.each(rowsOf('register.'))('$name', async (row) => {
    await using server = await serverFor(row);
    const { given, expected } = row;
    const { client, lines } = clientOf({ url: server.url, token: given.token });
    const registered = await client.register({
      description: given.description ?? 'test',
      tags: ['tags'],
      runUntagged: true,
      locked: true,
      paused: false,
      maximumTimeoutSeconds: 0,
      info,
    });
    checkRequest(
      { ...row, given: { ...given, body: { ...given.body, description: given.description ?? 'test' } } },
      server,
    );
    if (expected.result === null) expect(registered.kind).toBe('failed');
    else
      expect(registered).toEqual({
        kind: 'ok',
        value: { id: expected.id, token: expected.token, tokenExpiresAt: undefined },
      });
    if (expected.status_text_contains)
      expect(registered).toMatchObject({ why: expect.stringContaining(expected.status_text_contains) });
    checkLog(row, lines);
  });

  it.each(rowsOf('unregister.'))('$name', async (row) => {
    await using server = await serverFor(row);
    const { client } = clientOf({ url: server.url, token: row.given.body.token ?? '' });
    expect(await client.unregister()).toBe(row.expected.ok);
    checkRequest(row, server);
  });

  it.each(rowsOf('unregister_manager.'))('$name', async (row) => {
    await using server = await serverFor(row);
    const { client } = clientOf({ url: server.url, token: row.given.body.token });
    expect(await client.unregisterManager(row.given.body.system_id)).toBe(row.expected.ok);
    checkRequest(row, server);
  });

  it.each(rowsOf('verify.'))('$name', async (row) => {
    const { given, expected } = row;
    await using server = await serverFor(row);
    const { client, lines } = clientOf({ url: given.url ?? server.url, token: given.token ?? 't' });
    const verified = await client.verify({ info, systemId: 's_0123456789ab' });
    // Old servers, and whatever is not known, are a result with number 0 for the reference.
    const result = verified.kind === 'removed' ? null : { id: verified.kind === 'valid' ? verified.runner.id : 0 };
    expect(result).toEqual(expected.result === null ? null : { id: expected.result.id });
    if (expected.result?.token_expires_at) {
      expect(verified.kind === 'valid' && verified.runner.tokenExpiresAt).toEqual(
        new Date(expected.result.token_expires_at),
      );
      expect(verified.kind === 'valid' && verified.runner.token).toBe(given.token);
    }
    if (expected.requests !== undefined) expect(server.seen).toHaveLength(expected.requests);
    if (given.url === undefined) checkRequest(row, server);
    checkLog(row, lines);
  });

  it.each(rowsOf('reset_token.', 'reset_token_pat.'))('$name', async (row) => {
    const { given, expected } = row;
    await using server = await scriptedServer(() => scriptedOf(row.server_response));
    const { client, lines, given: network } = clientOf({ url: server.url, token: given.body?.token ?? 'x' });
    const runnerId = Number(/runners\/(\d+)/.exec(given.path)?.[1]);
    const pat = given.headers['PRIVATE-TOKEN'];
    const answered = await (pat === undefined ? client.resetToken() : client.resetTokenOf(runnerId, pat));
    checkRequest(row, server);
    expect(server.seen[0]!.headers['runner-token']).toBeUndefined();
    if (given.body === null) expect(server.seen[0]!.headers['content-type']).toBeUndefined();
    if (expected.result === null) expect(answered.kind).toBe('failed');
    else {
      const expiresAt = expected.token_expires_at === null ? undefined : new Date(expected.token_expires_at);
      const obtainedAt = new Date(network.clock.now());
      expect(answered).toEqual({ kind: 'ok', value: { token: expected.token, obtainedAt, expiresAt } });
    }
    checkLog(row, lines);
  });
});
