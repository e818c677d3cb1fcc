import { mkdtempSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { CredentialHelpers } from '../../../src/executors/docker/credential-helper.ts';
import { connectEngine } from '../../../src/executors/docker/engine.ts';
import { type ImageSettings, ImageStore } from '../../../src/executors/docker/images.ts';
import { pullFold } from '../../../src/executors/docker/pull-progress.ts';
import type { ImagePull } from '../../../src/model/image-pull.ts';
import type { Image } from '../../../src/model/pipeline.ts';
import { deferred } from '../../../src/util/deferred.ts';
import { removeTree } from '../../../src/util/files/remove-tree.ts';
import { collect, jobSpec, never } from '../contract.ts';

const place = mkdtempSync(join(tmpdir(), 'ci-pull-'));
let count = 0;

afterAll(() => removeTree(place));

interface Answer {
  readonly status: number;
  readonly text: string;
  /** The connection breaks after the text. */
  readonly breaks?: true;
  /** Nothing comes after the text. */
  readonly stalls?: true;
}

/** An engine that has no image until a pull answers 200 without an error in its text. */
async function fakeEngine(pulls: readonly Answer[], over: Partial<ImageSettings> = {}) {
  const seen: { readonly url: string; readonly auth: string }[] = [];
  let has = false;
  const stalled = deferred();
  const dropped = deferred();
  const answer: RequestListener = (request, response) => {
    const url = request.url ?? '';
    const reply = ({ status, text, breaks, stalls }: Answer): void => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      if (breaks) response.write(text, () => response.destroy());
      else if (stalls) {
        response.once('close', () => dropped.resolve());
        response.write(text, () => stalled.resolve());
      } else response.end(text);
    };
    if (url.startsWith('/_ping')) return reply({ status: 200, text: 'OK' });
    if (url.startsWith('/images/create')) {
      seen.push({ url, auth: String(request.headers['x-registry-auth'] ?? '') });
      const next = pulls[Math.min(seen.length, pulls.length) - 1]!;
      has = next.status === 200 && !next.text.includes('error') && !next.breaks && !next.stalls;
      return reply(next);
    }
    const image = { Id: 'sha256:1', Os: 'linux', Architecture: 'amd64', Config: { User: 'app' } };
    return reply(
      has ? { status: 200, text: JSON.stringify(image) } : { status: 404, text: '{"message":"No such image"}' },
    );
  };
  const server = createServer(answer);
  const path = join(place, `${++count}.sock`);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const engine = await connectEngine({ home: place, host: `unix://${path}` });
  const logins = { configDirectory: place, helpers: new CredentialHelpers({ env: {} }) };
  const settings = { engine, retryDelayMs: 1, policies: ['if-not-present'] as const, offline: false, logins };
  const store = new ImageStore({ ...settings, ...over });
  const out = collect();
  const told: ImagePull[] = [];
  const watcher = { imagePull: (pull: ImagePull) => void told.push(pull) };
  const ensure = (image: string | Partial<Image>, signal: AbortSignal = never) =>
    store.forJob(jobSpec(), watcher).ensure(
      {
        name: 'app:1',
        span: { file: 'f', start: 0, end: 0 },
        ...(typeof image === 'string' ? { name: image } : image),
      },
      out,
      signal,
    );
  const events = { stalled: stalled.promise, dropped: dropped.promise };
  return { ...events, seen, ensure, out, told, path, [Symbol.asyncDispose]: async () => void server.close() };
}

const progress = '{"status":"Pulling"}\n{"status":"Done"}\n';
const error = (text: string): string => `{"status":"Pulling"}\n${JSON.stringify({ error: text })}\n`;
const done: Answer = { status: 200, text: progress };

describe('pulling', () => {
  it.each([
    ['429', { status: 429, text: '{"message":"toomanyrequests"}' }],
    ['500', { status: 500, text: '{"message":"internal"}' }],
    ['503', { status: 503, text: '{"message":"unavailable"}' }],
    ['a reset in the middle', { status: 200, text: error('read tcp: connection reset by peer') }],
    ['a time-out', { status: 500, text: '{"message":"Get: net/http: TLS handshake timeout"}' }],
  ])('tries again after %s', async (_name, first) => {
    await using engine = await fakeEngine([first, first, done]);
    expect((await engine.ensure('app:1')).user).toBe('app');
    expect(engine.seen).toHaveLength(3);
    expect(engine.out.text()).toMatch(/WARNING: pulling app:1: .*; try 2 of 3 in \d+ ms\n/);
    expect(engine.out.text()).toContain('; try 3 of 3 in ');
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

  it('does not wait for longer than a minute because a registry says so', async () => {
    const answer = { status: 429, text: '{"message":"toomanyrequests: retry-after: 1h"}' };
    await using engine = await fakeEngine([answer]);
    await expect(engine.ensure('app:1')).rejects.toMatchObject({ hint: expect.stringContaining('docker login') });
    expect(engine.seen).toHaveLength(1);
  });

  it('names the engine when that goes away, and does not try again', async () => {
    await using engine = await fakeEngine([{ status: 200, text: progress, breaks: true }]);
    const failure = { reason: 'runner_system_failure', message: expect.stringContaining(engine.path) };
    await expect(engine.ensure('app:1')).rejects.toMatchObject(failure);
    expect(engine.seen).toHaveLength(1);
  });

  it('pulls once for jobs that want an image at the same time, and tells those that wait', async () => {
    await using engine = await fakeEngine([done]);
    await Promise.all([engine.ensure('app'), engine.ensure('app'), engine.ensure('app')]);
    await engine.ensure('app:latest');
    expect(engine.seen).toHaveLength(1);
    const started = engine.told.filter(({ state }) => state === 'started').length;
    expect(engine.told.filter(({ state }) => state === 'finished')).toHaveLength(started);
    expect(engine.out.text().match(/Pulling docker image app:latest \.\.\./g)).toHaveLength(started);
  });

  it('stops a pull that no job waits for any more', async () => {
    await using engine = await fakeEngine([{ status: 200, text: progress, stalls: true }]);
    const leaving = [new AbortController(), new AbortController()];
    const jobs = leaving.map(({ signal }) => engine.ensure('app', signal));
    await engine.stalled;
    await vi.waitFor(() => expect(engine.told.filter(({ state }) => state === 'started')).toHaveLength(2));
    leaving[0]!.abort(new Error('first'));
    await expect(jobs[0]).rejects.toThrow('first');
    leaving[1]!.abort(new Error('second'));
    await expect(jobs[1]).rejects.toThrow('second');
    await engine.dropped;
    expect(engine.seen).toHaveLength(1);
    expect(engine.told.filter(({ state }) => state === 'failed')).toHaveLength(2);
  });

  it('gives up with the job', async () => {
    await using engine = await fakeEngine([done]);
    const reason = new Error('given up');
    await expect(engine.ensure('app', AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it('tells of a shared pull at most four times a second, and at its end', async () => {
    const lines = Array.from({ length: 5000 }, (_, index) =>
      JSON.stringify({ status: 'Downloading', id: 'aaa', progressDetail: { current: index, total: 5000 } }),
    );
    const all = [...lines, '{"status":"Pull complete","id":"aaa"}'].join('\n');
    await using engine = await fakeEngine([{ status: 200, text: all }]);
    const startedAt = process.hrtime.bigint();
    await engine.ensure('app');
    const seconds = Number(process.hrtime.bigint() - startedAt) / 1e9;
    expect(engine.told.filter(({ state }) => state === 'progressed').length).toBeLessThanOrEqual(
      Math.ceil(seconds * 4),
    );
    expect(engine.told.at(-1)).toEqual({
      ...{ image: 'app:latest', state: 'finished', durationMs: expect.any(Number) },
      ...{ layersDone: 1, layersTotal: 1, bytesDone: 5000, bytesTotal: 5000 },
    });
    expect(engine.out.text()).toMatch(/Pulled docker image app:latest: 5\.0 kB in 1 layer, /);
  });
});

describe('policies', () => {
  const refused: Answer = { status: 404, text: '{"message":"manifest unknown"}' };

  it('are tried in order, each failure told, and all named in the end', async () => {
    await using engine = await fakeEngine([refused]);
    const ensuring = engine.ensure({ pullPolicy: ['never', 'always', 'if-not-present'] });
    await expect(ensuring).rejects.toThrow(
      "image `app:1` can't be had from unix://" +
        `${engine.path}: never: the engine does not have it; always: manifest unknown; if-not-present: manifest unknown`,
    );
    expect(
      engine.out
        .text()
        .split('\n')
        .filter((line) => /Attempt|WARNING/.test(line)),
    ).toEqual([
      'WARNING: Failed to pull image with policy "never": the engine does not have it',
      'Attempt #2: Trying "always" pull policy',
      'WARNING: Failed to pull image with policy "always": manifest unknown',
      'Attempt #3: Trying "if-not-present" pull policy',
      'WARNING: Failed to pull image with policy "if-not-present": manifest unknown',
    ]);
    expect(engine.seen).toHaveLength(2);
  });

  it('are the default only for images that name none', async () => {
    await using engine = await fakeEngine([done], { policies: ['never', 'always'] });
    await expect(engine.ensure({ pullPolicy: ['never'] })).rejects.toThrow(/never: the engine does not have it$/);
    expect((await engine.ensure({})).id).toBe('sha256:1');
  });

  it('that are not allowed are left out; none left is a mistake of the file', async () => {
    await using engine = await fakeEngine([done], { allowed: ['always'] });
    await engine.ensure({ pullPolicy: ['never', 'always'] });
    expect(engine.out.text()).not.toContain('never');
    await expect(engine.ensure({ pullPolicy: ['if-not-present', 'never'] })).rejects.toMatchObject({
      reason: 'runner_configuration_error',
      message:
        'pull_policy ([if-not-present never]) defined in GitLab pipeline config is not one of the allowed_pull_policies ([always])',
    });
  });

  it('of whom nobody can pass a flag are told of where they are set', async () => {
    const setBy = '`pull_policy` of the runner';
    await using engine = await fakeEngine([done], { policies: ['never'], setBy });
    await expect(engine.ensure('app:1')).rejects.toMatchObject({
      hint: `pull or build the image first, or allow pulling: ${setBy}`,
    });
    await expect(engine.ensure({ pullPolicy: ['never'] })).rejects.toMatchObject({
      hint: expect.stringContaining('`pull_policy: if-not-present` in the file'),
    });
  });

  it('of the file do not matter offline', async () => {
    await using engine = await fakeEngine([done], { offline: true });
    await expect(engine.ensure({ pullPolicy: ['always'] })).rejects.toMatchObject({
      message: expect.stringContaining('never: `--offline` pulls nothing, and the engine does not have it'),
      hint: 'pull it while you are online (`docker pull app:1`), or leave out `--offline`',
    });
    expect(engine.seen).toHaveLength(0);
  });
});

describe('what an engine tells while it pulls', () => {
  it('is summed up over the layers', () => {
    const fold = pullFold();
    const layer = (id: string, status: string, current?: number, total?: number) =>
      fold.take({
        id,
        status,
        ...(current === undefined ? {} : { progressDetail: { current, ...(total && { total }) } }),
      });
    fold.take({ id: 'latest', status: 'Pulling from library/app' });
    for (const id of ['a', 'b', 'c']) layer(id, 'Pulling fs layer');
    layer('d', 'Already exists');
    expect(fold.now()).toEqual({ layersDone: 1, layersTotal: 4, bytesDone: 0, bytesTotal: 0 });
    layer('a', 'Downloading', 10, 100);
    layer('b', 'Downloading', 5, 50);
    expect(fold.now()).toEqual({ layersDone: 1, layersTotal: 4, bytesDone: 15, bytesTotal: 150 });
    layer('b', 'Retrying in 5 seconds');
    expect(fold.now()).toMatchObject({ bytesDone: 10, bytesTotal: 150 });
    layer('a', 'Verifying Checksum');
    layer('a', 'Extracting', 3, 100);
    expect(fold.now()).toMatchObject({ layersDone: 1, bytesDone: 100 });
    layer('a', 'Pull complete');
    expect(fold.now()).toMatchObject({ layersDone: 2 });
    const all = { layersDone: 4, layersTotal: 4, bytesDone: 150, bytesTotal: 150 };
    expect(fold.finish()).toEqual({ ...all, wasThere: false });
  });
});
