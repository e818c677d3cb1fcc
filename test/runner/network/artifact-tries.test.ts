import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import {
  artifactFilename,
  artifactFormatOf,
  downloadArtifact,
  uploadArtifact,
} from '../../../src/runner/network/artifact-tries.ts';
import { clientOf, jumpingClock, networkGiven } from '../support/network.ts';
import { inTurn, type Scripted, scriptedServer } from '../support/scripted-server.ts';

const job = { id: 7, token: 'glcbt-64_abcdefghijkl' };
const xml = { 'Content-Type': 'application/xml' };

async function tries(url: string) {
  const clock = jumpingClock();
  const given = networkGiven();
  const { client } = clientOf({ url, token: 't' }, { limits: { maxAttempts: 1 } });
  return { client, clock, log: given.log, lines: given.lines };
}

const open = async (): Promise<Readable> => Readable.from([Buffer.from('x')]);
const upload = { filename: 'r.gz', open, type: 'junit', format: 'gzip', expireIn: '' };

describe('an upload', () => {
  it.each<[Scripted, string, readonly number[]]>([
    [{ status: 201 }, 'succeeded', []],
    [{ status: 403 }, 'forbidden', []],
    [{ status: 413 }, 'too-large', []],
    [{ status: 400 }, 'failed', [1000, 2000]],
    [{ dropped: true }, 'failed', [1000, 2000]],
    [{ status: 503 }, 'unavailable', [1000, 2000, 4000, 5000, 5000]],
    [{ status: 307 }, 'failed', [1000, 2000]],
  ])('that gets %j is %s', async (answer, state, slept) => {
    await using server = await scriptedServer(inTurn(answer));
    const given = await tries(server.url);
    expect((await uploadArtifact(given, job, upload)).state).toBe(state);
    expect(given.clock.slept).toEqual(slept);
    expect(server.seen).toHaveLength(slept.length + 1);
    expect(given.lines[0]!.message).toContain('Uploading artifacts as "junit" to coordinator... ');
    expect(JSON.stringify(given.lines)).not.toContain('abcdefghijkl');
  });

  it('of what breaks while it is read fails, and says what', async () => {
    await using server = await scriptedServer(inTurn({ status: 201 }));
    const { client } = await tries(server.url);
    const broken = async (): Promise<Readable> =>
      Readable.from(
        (async function* () {
          yield Buffer.from('x');
          throw new Error('EIO');
        })(),
      );
    const uploaded = await client.uploadArtifacts(job, { ...upload, open: broken });
    expect(uploaded).toEqual({ state: 'failed', why: "can't read r.gz: EIO" });
  });
});

describe('a download', () => {
  const nothing = async (body: Readable): Promise<void> => {
    for await (const _ of body);
  };

  it.each<[Scripted, string, number]>([
    [{ status: 200, body: 'x' }, 'succeeded', 1],
    [{ status: 401 }, 'unauthorized', 1],
    [{ status: 403 }, 'forbidden', 1],
    [{ status: 404 }, 'not-found', 1],
    [{ status: 500 }, 'failed', 3],
    [{ dropped: true }, 'failed', 3],
  ])('that gets %j is %s', async (answer, state, asked) => {
    await using server = await scriptedServer(inTurn(answer));
    const given = await tries(server.url);
    expect((await downloadArtifact(given, job, { directDownload: 'on', take: nothing })).state).toBe(state);
    const path = '/api/v4/jobs/7/artifacts';
    expect(server.seen.map(({ url }) => url)).toEqual([`${path}?direct_download=true`, path, path].slice(0, asked));
  });

  it('says what a store answered', async () => {
    const body = '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>No &amp; no</Message></Error>';
    await using server = await scriptedServer(inTurn({ status: 403, headers: xml, body }));
    const { client } = await tries(server.url);
    const { why } = await client.downloadArtifacts(job, { direct: 'omitted', take: nothing });
    expect(why).toContain('403 Forbidden (AccessDenied: No & no)');
  });

  it('whose body breaks off fails; what its taker throws is thrown on', async () => {
    await using server = await scriptedServer(
      inTurn({ status: 200, headers: { 'Content-Length': '100' }, body: 'short' }, { status: 200, body: 'whole' }),
    );
    server.server.on('request', (request) => setImmediate(() => request.url?.includes('true') && request.socket.end()));
    const { client } = await tries(server.url);
    expect(await client.downloadArtifacts(job, { direct: 'true', take: nothing })).toMatchObject({ state: 'failed' });
    const full = async (): Promise<void> => {
      throw new Error('disk full');
    };
    await expect(client.downloadArtifacts(job, { direct: 'omitted', take: full })).rejects.toThrow('disk full');
  });
});

it('tells archives by their first bytes, and names files by their format', () => {
  const of = (...bytes: readonly number[]) => artifactFormatOf(Uint8Array.from(bytes));
  expect([of(0x28, 0xb5, 0x2f, 0xfd), of(0x1f, 0x8b), of(0x50, 0x4b), of()]).toEqual(['tar.zst', 'gzip', 'zip', 'zip']);
  const names = [artifactFilename('', 'zip'), artifactFilename('a/b', 'gzip'), artifactFilename('r.json', 'raw')];
  expect(names).toEqual(['default.zip', 'b.gz', 'r.json']);
});
