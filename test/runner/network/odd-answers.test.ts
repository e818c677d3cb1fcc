import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { clientOf, info } from '../support/network.ts';
import { inTurn, json, type Scripted, scriptedServer } from '../support/scripted-server.ts';

const job = { id: 7, token: 'glcbt-secret' };
const ask = { info, systemId: 's_0123456789ab', signal: new AbortController().signal };
const aJob = { id: 7, token: 'glcbt-secret' };

/** What a client makes of a server that answers so. */
async function clientFor(...answers: readonly Scripted[]) {
  const server = await scriptedServer(inTurn(...answers));
  return { server, ...clientOf({ url: server.url, token: 't' }), [Symbol.asyncDispose]: server[Symbol.asyncDispose] };
}

describe('an answer that nobody asked for like that', () => {
  it.each<[string, Scripted]>([
    ['packed', { ...json(201, aJob, { 'Content-Encoding': 'gzip' }), body: gzipSync(JSON.stringify(aJob)) }],
    ['with a long head', json(201, aJob, { 'Content-Security-Policy': 'x'.repeat(100_000) })],
  ])('is read %s', async (_, answer) => {
    await using given = await clientFor(answer);
    expect(await given.client.requestJob(ask)).toMatchObject({ kind: 'job', job: { id: 7 } });
  });

  it.each<[string, Scripted]>([
    ['packed and cut', { ...json(201, aJob, { 'Content-Encoding': 'gzip' }), body: gzipSync('{}').subarray(0, 12) }],
    ['not packed, whatever it says', json(201, aJob, { 'Content-Encoding': 'gzip' })],
    ['empty', { status: 201, headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' } }],
  ])('is no answer %s', async (_, answer) => {
    await using given = await clientFor(answer);
    expect(await given.client.requestJob(ask)).toMatchObject({ kind: 'failed', status: -1, healthy: true });
  });

  it('makes a download fail, not the program, when it is packed and cut', async () => {
    await using given = await clientFor({
      headers: { 'Content-Encoding': 'gzip' },
      body: gzipSync('abc').subarray(0, 15),
    });
    const take = async (body: AsyncIterable<unknown>): Promise<void> => {
      for await (const _ of body);
    };
    const downloaded = await given.client.downloadArtifacts(job, { direct: 'omitted', take });
    expect(downloaded).toMatchObject({ state: 'failed', why: expect.stringContaining('ended too early') });
  });

  it('counts by the first of several headers of one name', async () => {
    const headers = {
      'Job-Status': ['canceling', 'canceling'],
      'X-GitLab-Trace-Update-Interval': ['5', '60'],
      'X-GitLab-Last-Update': ['a', 'b'],
      Range: ['0-9', '0-12'],
    };
    await using given = await clientFor({ status: 200, headers }, { status: 416, headers });
    const { client } = given;
    expect(await client.updateJob(job, { state: 'running', info })).toEqual({
      state: 'succeeded',
      cancelRequested: true,
      updateIntervalSeconds: 5,
    });
    expect(client.lastUpdate).toBe('a');
    const patch = { content: Buffer.from('x'), startOffset: 20, debugTrace: 'off' } as const;
    expect(await client.patchTrace(job, patch)).toMatchObject({ state: 'range-mismatch', sentOffset: 9 });
  });
});

it('is asked less when it said so, though no answer came at last', async () => {
  await using given = await clientFor({ status: 429 }, { dropped: true });
  expect(await given.client.requestJob(ask)).toMatchObject({ kind: 'failed', status: -1, retried: true });
  expect(await given.client.requestJob(ask)).toMatchObject({ kind: 'failed', status: -1, retried: false });
});

it.each([200, 202, 204, 403, 418])('shows no login of the address in the log (%i)', async (status) => {
  await using server = await scriptedServer(inTurn({ status }));
  const { client, lines } = clientOf({ url: server.url.replace('//', '//me:opensesame@'), token: 't' });
  const outcome = await client.requestJob(ask);
  await client.updateJob(job, { state: 'running', info });
  expect(server.seen[0]!.headers.authorization).toBe(`Basic ${Buffer.from('me:opensesame').toString('base64')}`);
  expect(JSON.stringify([outcome, lines])).not.toContain('opensesame');
});
