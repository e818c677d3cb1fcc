import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { connectEngine } from '../../../src/executors/docker/engine.ts';
import { Images } from '../../../src/executors/docker/images.ts';
import { withTag } from '../../../src/executors/docker/pull.ts';
import { registryAuth } from '../../../src/executors/docker/registry-auth.ts';
import { removeTree } from '../../../src/util/files/remove-tree.ts';
import { collect, never } from '../contract.ts';

const place = mkdtempSync(join(tmpdir(), 'ci-pull-'));
let count = 0;

afterAll(() => removeTree(place));

/** An engine that has no image until a pull answers 200 without an error in its text. */
async function fakeEngine(pulls: readonly { readonly status: number; readonly text: string }[]) {
  const seen: string[] = [];
  let has = false;
  const answer: RequestListener = (request, response) => {
    const url = request.url ?? '';
    const reply = (status: number, text: string): void => {
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(text);
    };
    if (url.startsWith('/_ping')) return reply(200, 'OK');
    if (url.startsWith('/images/create')) {
      seen.push(String(request.headers['x-registry-auth'] ?? ''));
      const { status, text } = pulls[Math.min(seen.length, pulls.length) - 1]!;
      has = status === 200 && !text.includes('error');
      return reply(status, text);
    }
    return has ? reply(200, '{"Id":"sha256:1","Config":{"User":"app"}}') : reply(404, '{"message":"No such image"}');
  };
  const server = createServer(answer);
  const path = join(place, `${++count}.sock`);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const engine = await connectEngine({ home: place, host: `unix://${path}` });
  const images = new Images({ engine, configDirectory: place, retryDelayMs: 1 }, 'if-not-present');
  const ensure = (name: string, signal: AbortSignal = never) =>
    images.ensure({ name, span: { file: 'f', start: 0, end: 0 } }, collect(), signal);
  return { seen, ensure, [Symbol.asyncDispose]: async () => void server.close() };
}

const progress = '{"status":"Pulling"}\n{"status":"Done"}\n';
const error = (text: string): string => `{"status":"Pulling"}\n${JSON.stringify({ error: text })}\n`;

describe('pulling', () => {
  it.each([
    ['429', { status: 429, text: '{"message":"toomanyrequests"}' }],
    ['500', { status: 500, text: '{"message":"internal"}' }],
    ['503', { status: 503, text: '{"message":"unavailable"}' }],
    ['a reset in the middle', { status: 200, text: error('read tcp: connection reset by peer') }],
    ['a time-out', { status: 500, text: '{"message":"Get: net/http: TLS handshake timeout"}' }],
  ])('tries again after %s', async (_name, first) => {
    await using engine = await fakeEngine([first, first, { status: 200, text: progress }]);
    expect((await engine.ensure('app:1')).user).toBe('app');
    expect(engine.seen).toHaveLength(3);
    await using broken = await fakeEngine([first]);
    await expect(broken.ensure('app:1')).rejects.toThrow(/image `app:1` can't be had/);
    expect(broken.seen).toHaveLength(3);
  });

  it.each([
    ['401', { status: 500, text: '{"message":"unauthorized: authentication required"}' }],
    ['403', { status: 403, text: '{"message":"pull access denied for app"}' }],
    ['404', { status: 404, text: '{"message":"manifest unknown"}' }],
    ['a denial in the middle', { status: 200, text: error('denied: requested access to the resource is denied') }],
  ])('tries once for %s', async (_name, answer) => {
    await using engine = await fakeEngine([answer]);
    await expect(engine.ensure('app:1')).rejects.toMatchObject({ reason: 'image_pull_failure' });
    expect(engine.seen).toHaveLength(1);
  });

  it('pulls once for jobs that want an image at the same time', async () => {
    await using engine = await fakeEngine([{ status: 200, text: progress }]);
    await Promise.all([engine.ensure('app'), engine.ensure('app'), engine.ensure('app')]);
    await engine.ensure('app:latest');
    expect(engine.seen).toHaveLength(1);
  });

  it('gives up with the job', async () => {
    await using engine = await fakeEngine([{ status: 200, text: progress }]);
    const reason = new Error('given up');
    await expect(engine.ensure('app', AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it('logs in with what the user has stored, the longest path first', async () => {
    const auth = (text: string): string => Buffer.from(text).toString('base64');
    const auths = {
      'https://index.docker.io/v1/': { auth: auth('hub:one') },
      'registry.example.com': { auth: auth('host:two:2') },
      'registry.example.com/group': { auth: auth('group:three') },
    };
    writeFileSync(join(place, 'config.json'), JSON.stringify({ auths }));
    expect(await registryAuth('node:20', place)).toMatchObject({ username: 'hub', password: 'one' });
    expect(await registryAuth('registry.example.com/a/b:1', place)).toMatchObject({
      username: 'host',
      password: 'two:2',
    });
    expect(await registryAuth('registry.example.com/group/b@sha256:0', place)).toMatchObject({ username: 'group' });
    expect(await registryAuth('registry.example.com.evil/b', place)).toBeUndefined();
    expect(await registryAuth('other.example.com/group/b', place)).toBeUndefined();
    await using engine = await fakeEngine([{ status: 200, text: progress }]);
    await engine.ensure('registry.example.com/group/app:1');
    expect(JSON.parse(Buffer.from(engine.seen[0]!, 'base64').toString())).toMatchObject({ username: 'group' });
  });

  it('adds a tag where there is none', () => {
    expect(['a', 'a:1', 'h:5000/a', 'h:5000/a:1', 'a@sha256:0'].map(withTag)).toEqual([
      'a:latest',
      'a:1',
      'h:5000/a:latest',
      'h:5000/a:1',
      'a@sha256:0',
    ]);
  });
});
