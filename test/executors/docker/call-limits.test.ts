import { mkdtempSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openArchive } from '../../../src/executors/docker/container-file.ts';
import { connectEngine, type Engine } from '../../../src/executors/docker/engine.ts';
import { removeTree } from '../../../src/util/files/remove-tree.ts';

const place = mkdtempSync(join(tmpdir(), 'ci-limits-'));
const limitMs = 200;

/** What an engine does with some calls; it answers all others. */
const oddly: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>> = {
  // Takes the question and never answers.
  'GET /info': () => {},
  'POST /containers/x/start': () => {},
  'POST /containers/x/attach': () => {},
  // Begins to answer.
  'GET /volumes': (_, response) => void response.write('{"Volumes":['),
  // Sends a part of an archive.
  'GET /containers/x/archive': (_, response) => void response.write(Buffer.alloc(1024)),
  // Waits for something to happen.
  'POST /containers/x/wait': (_, response) => {
    response.flushHeaders();
    setTimeout(() => response.end('{"StatusCode":3}'), 3 * limitMs);
  },
  // Takes a part of an upload, or all of it slowly.
  'PUT /containers/stalled/archive': (request) => void request.pause(),
  'PUT /containers/slow/archive': (request, response) => {
    request.resume();
    request.on('end', () => response.end());
  },
};

describe('an engine that does not answer', () => {
  let server: Server;
  let engine: Engine;

  beforeAll(async () => {
    server = createServer((request, response) => {
      const call = `${request.method} ${request.url!.replace(/^\/v[\d.]+/, '').replace(/\?.*/, '')}`;
      const odd = oddly[call];
      if (odd !== undefined) odd(request, response);
      else response.end('{}');
    });
    await new Promise<void>((resolve) => server.listen(join(place, 's'), resolve));
    engine = await connectEngine({ home: place, host: `unix://${join(place, 's')}` }, limitMs);
  });

  afterAll(async () => {
    server.close();
    server.closeAllConnections();
    await removeTree(place);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['a question', () => engine.api.info()],
    ['a request', () => engine.api.getContainer('x').start()],
    ['what joins input and output', () => engine.attach('x')],
    ['the rest of an answer', () => engine.api.listVolumes()],
  ])('is given up: %s', async (_, call) => {
    await expect(call()).rejects.toThrow('no answer in 0.2 s');
  });

  it('is given up while it sends an archive, unless it is us who are slow', async () => {
    const archive = (await openArchive(engine, 'x', '/'))!;
    // Nobody takes what is there: that is no fault of the engine's.
    await new Promise((resolve) => setTimeout(resolve, 3 * limitMs));
    expect(archive.destroyed).toBe(false);
    const taking = (async () => {
      for await (const _ of archive) {
        // To the end that never comes.
      }
    })();
    await expect(taking).rejects.toThrow('no answer in 0.2 s');
  });

  it('is given up when an upload stands still, and not when that takes long', async () => {
    const stalled = Readable.from(zeros(64), { objectMode: false });
    await expect(engine.api.getContainer('stalled').putArchive(stalled, { path: '/' })).rejects.toThrow('no answer');
    const slow = Readable.from(slowly(6), { objectMode: false });
    await engine.api.getContainer('slow').putArchive(slow, { path: '/' });
  });

  it('has no limit where it waits for something to happen', async () => {
    const { exitCode } = await engine.watchEnd('x');
    expect(await exitCode).toBe(3);
  });
});

function* zeros(count: number): Generator<Buffer> {
  for (let index = 0; index < count; index++) yield Buffer.alloc(1 << 18);
}

async function* slowly(count: number): AsyncGenerator<Buffer> {
  for (let index = 0; index < count; index++) {
    await new Promise((resolve) => setTimeout(resolve, limitMs / 2));
    yield Buffer.alloc(1024);
  }
}
