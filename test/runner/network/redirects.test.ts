import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { discard } from '../../../src/runner/network/exchange.ts';
import { clientOf, info, transportOf } from '../support/network.ts';
import { inTurn, type Scripted, scriptedServer } from '../support/scripted-server.ts';

const job = { id: 7, token: 'glcbt-secret' };
const to = (location: string, status = 307): Scripted => ({ status, headers: { Location: location } });

describe('a redirection', () => {
  it('to another origin takes no token along, and none on the way back', async () => {
    await using elsewhere = await scriptedServer(() => to(`${home.url}/back`, 302));
    await using home = await scriptedServer((seen) =>
      seen.url === '/back' ? { status: 200 } : to(`${elsewhere.url}/x`),
    );
    const headers = { 'JOB-TOKEN': 'a', 'runner-token': 'b', 'Private-Token': 'c', Authorization: 'd', 'X-Kept': 'e' };
    const answer = await transportOf(home.url).call({ method: 'GET', path: 'y', headers });
    await discard(answer);
    expect(answer.status).toBe(200);
    expect(home.seen[0]!.headers).toMatchObject({ 'job-token': 'a', 'x-kept': 'e' });
    for (const { headers: seen } of [elsewhere.seen[0]!, home.seen[1]!]) {
      expect(seen['x-kept']).toBe('e');
      for (const name of ['job-token', 'runner-token', 'private-token', 'authorization'])
        expect(seen[name]).toBeUndefined();
    }
  });

  it('to another origin is not followed with a token in the body', async () => {
    await using elsewhere = await scriptedServer(inTurn({ status: 200 }));
    await using home = await scriptedServer(inTurn(to(`${elsewhere.url}/x?sp=r&sig=secret`)));
    const { client } = clientOf({ url: home.url, token: 't' });
    const outcome = await client.requestJob({ info, systemId: 's', signal: new AbortController().signal });
    expect(outcome).toMatchObject({ kind: 'failed', status: 307, healthy: true });
    expect(outcome.kind === 'failed' && outcome.why).toContain(`moved to ${elsewhere.url}/x?…`);
    expect((await client.updateJob(job, { state: 'running', info })).state).toBe('failed');
    expect(elsewhere.seen).toEqual([]);
  });

  it('within the origin keeps token, method and body', async () => {
    await using home = await scriptedServer((seen) =>
      seen.url.startsWith('/new/') ? { status: 202 } : to(`/new${seen.url}`, 308),
    );
    const { client } = clientOf({ url: home.url, token: 't' });
    const patched = await client.patchTrace(job, { content: Buffer.from('abc'), startOffset: 2, debugTrace: 'off' });
    expect(patched).toMatchObject({ state: 'succeeded', sentOffset: 5 });
    expect(home.seen[1]).toMatchObject({ method: 'PATCH', url: '/new/api/v4/jobs/7/trace?debug_trace=false' });
    expect(home.seen[1]!.headers).toMatchObject({ 'job-token': job.token, 'content-range': '2-4' });
    expect(home.seen[1]!.body.toString()).toBe('abc');
  });

  it.each([301, 302, 303])('by %i would make a GET of other methods, and is the answer then', async (status) => {
    await using home = await scriptedServer(inTurn(to('/y', status)));
    const { client } = clientOf({ url: home.url, token: 't' });
    expect((await client.updateJob(job, { state: 'running', info })).state).toBe('failed');
    expect(home.seen).toHaveLength(1);
  });

  it('that goes round in circles ends', async () => {
    await using home = await scriptedServer(inTurn(to('/again')));
    await expect(transportOf(home.url).call({ method: 'GET', path: 'x' })).rejects.toThrow('more than 10 times');
    expect(home.seen).toHaveLength(11);
  });

  it.each(['', 'file:///etc/passwd', 'http://['])('to %j is the answer', async (location) => {
    await using home = await scriptedServer(inTurn(to(location)));
    const answer = await transportOf(home.url).call({ method: 'GET', path: 'x' });
    await discard(answer);
    expect(answer.status).toBe(307);
  });

  it('sends a stream once more, from its start', async () => {
    await using home = await scriptedServer(
      (_seen, count) => [to('/x'), { status: 503 }, to('/y'), { status: 201 }][count]!,
    );
    const { client } = clientOf({ url: home.url, token: 't' });
    let opened = 0;
    const open = async (): Promise<Readable> => {
      opened++;
      return Readable.from([Buffer.from('content')]);
    };
    const upload = { filename: 'a/b"c.zip', open, type: 'archive', format: 'zip', expireIn: '1 week' };
    expect(await client.uploadArtifacts(job, upload)).toMatchObject({ state: 'succeeded' });
    expect(opened).toBe(4);
    expect(home.seen[0]!.url).toBe(
      '/api/v4/jobs/7/artifacts?artifact_format=zip&artifact_type=archive&expire_in=1+week',
    );
    for (const { body } of home.seen) expect(body.toString()).toContain('filename="b%22c.zip"');
  });
});
