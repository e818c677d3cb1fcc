import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SystemError } from '../../../src/model/outcome.ts';
import type { Fill } from '../../../src/model/ports.ts';
import { objectName } from '../../../src/runner/cache/object-name.ts';
import { s3Bucket } from '../../../src/runner/cache/s3-bucket.ts';
import { s3Cache } from '../../../src/runner/cache/s3-cache.ts';
import type { S3Cache } from '../../../src/runner/config/runner-config.ts';
import { TlsMaterial } from '../../../src/runner/network/tls-files.ts';
import { cacheStore } from '../../../src/stores/cache-store.ts';
import type { Clock } from '../../../src/util/clock.ts';
import { walkTree } from '../../../src/util/files/walk-tree.ts';
import { type S3Server, startS3Server } from '../../support/s3-server.ts';

let home: string;
let server: S3Server;
/** In front of the server: counts what comes, and answers for it where a test says so. */
let front: Server;
let seen: string[];
let answers: ((method: string) => number | 'cut' | undefined)[];
let machines: number;
let waits: number[];

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'ci-s3-cache-'));
  server = await startS3Server();
  seen = [];
  answers = [];
  machines = 0;
  waits = [];
  front = createServer((asked, reply) => {
    const scripted = answers.shift()?.(asked.method ?? '');
    if (scripted === 'cut') return void asked.socket.destroy();
    if (scripted !== undefined) {
      seen.push(`${asked.method} ${scripted}`);
      reply.writeHead(scripted, { 'Content-Type': 'application/xml' });
      reply.end('<Error><Code>Odd</Code><Message>S3RVER is wrong</Message></Error>');
      asked.resume();
      return;
    }
    const [host, port] = server.address.split(':');
    const { method = '', url = '', headers } = asked;
    const on = request({ host, port, method, path: url, headers }, (answer) => {
      seen.push(`${method} ${answer.statusCode}`);
      reply.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(reply);
    });
    on.on('error', () => reply.destroy());
    asked.pipe(on);
  }).listen(0, '127.0.0.1');
  await once(front, 'listening');
});

afterEach(async () => {
  front.closeAllConnections();
  front.close();
  await server[Symbol.asyncDispose]();
  rmSync(home, { recursive: true, force: true });
});

const signal = new AbortController().signal;

/** The caches of one machine. */
function machine(given: { readonly most?: number; readonly s3?: Partial<S3Cache>; readonly projectId?: number } = {}) {
  const directory = join(home, `machine-${machines++}`);
  const clock: Clock = { now: Date.now, elapsed: Date.now, sleep: async (ms) => void waits.push(ms) };
  const s3: S3Cache = {
    serverAddress: `127.0.0.1:${(front.address() as AddressInfo).port}`,
    accessKey: 'S3RVER',
    secretKey: 'S3RVER',
    sessionToken: '',
    bucketName: server.bucket,
    bucketLocation: '',
    insecure: true,
    ...given.s3,
  };
  const tls = new TlsMaterial({ ca: undefined, cert: undefined, key: undefined }, () => {});
  const owner = { cache: { path: 'deep', shared: false }, shortToken: 'short', keys: 'plain' } as const;
  return s3Cache({
    bucket: s3Bucket({ s3, clock, env: {}, tls, timeoutMs: 5000 }),
    local: cacheStore({ directory: join(directory, 'local'), now: Date.now }),
    tags: join(directory, 'tags'),
    directory: join(directory, 'job'),
    maxUploadedArchiveSize: given.most ?? 0,
    nameOf: (key) => objectName({ ...owner, projectId: given.projectId ?? 1 }, key),
  });
}

function filling(files: Readonly<Record<string, string>>): Fill {
  return async (directory) => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(directory, name, '..'), { recursive: true });
      writeFileSync(join(directory, name), text);
    }
    if (Object.keys(files).length > 0) {
      symlinkSync('a', join(directory, 'link'));
      // As in environments of Python.
      symlinkSync('/usr/bin/python3', join(directory, 'python'));
    }
    const { entries } = await walkTree(directory);
    return { entries, totalBytes: 0, unmatched: [], outside: [] };
  };
}

const save = (caches: ReturnType<typeof machine>, key: string, files: Readonly<Record<string, string>>) =>
  caches.save(key, { overwrite: true }, filling(files), signal);

async function read(caches: ReturnType<typeof machine>, key: string): Promise<string | undefined> {
  const hit = await caches.restore(key, 'exact', signal);
  return hit === undefined ? undefined : readFileSync(join(hit.tree.root, 'link'), 'utf8');
}

describe('caches in a bucket', () => {
  it('go from one machine to another', async () => {
    const key = "a b/ü+c=d%2525 (1)'!*";
    expect(await save(machine(), key, { a: 'one', 'deep/er': 'x' })).toBe('saved');
    expect(server.objects()).toHaveLength(1);
    const other = machine();
    const hit = await other.restore(key, 'exact', signal);
    expect(hit?.key).toBe(key);
    expect(readdirSync(hit!.tree.root).sort()).toEqual(['a', 'deep', 'link', 'python']);
    expect(readlinkSync(join(hit!.tree.root, 'python'))).toBe('/usr/bin/python3');
    expect(await read(other, key)).toBe('one');
    expect(await read(other, 'another')).toBeUndefined();
  });

  it('are downloaded when they have changed, and not again', async () => {
    const [here, there] = [machine(), machine()];
    await save(here, 'k', { a: 'one' });
    expect(await read(there, 'k')).toBe('one');
    expect(await read(there, 'k')).toBe('one');
    expect(await read(here, 'k')).toBe('one');
    expect(seen).toEqual(['PUT 200', 'GET 200', 'GET 304', 'GET 304']);
    await save(there, 'k', { a: 'two' });
    expect(await read(here, 'k')).toBe('two');
    expect(seen.slice(4)).toEqual(['PUT 200', 'GET 200']);
  });

  it('of other projects can not be reached', async () => {
    await save(machine({ projectId: 2 }), 'theirs', { a: 'secret' });
    const mine = machine({ projectId: 1 });
    for (const key of ['../2/theirs', '..%2f2%2Ftheirs', '%2e%2e/2/theirs', '..\\2\\theirs', '%252e%252e/2/theirs']) {
      expect(await read(mine, key)).not.toBe('secret');
      expect(await save(mine, key, { a: 'mine' })).toBe('saved');
    }
    expect(await read(machine({ projectId: 2 }), 'theirs')).toBe('secret');
    const outside = server.objects().filter((name) => !/^deep\/runner\/short\/project\/[12]\//.test(name));
    expect(outside).toEqual([]);
  });

  it('are tried again after a failure that may pass', async () => {
    const caches = machine();
    answers = [() => 'cut', () => 503];
    expect(await save(caches, 'k', { a: 'one' })).toBe('saved');
    answers = [() => 500, () => 'cut'];
    expect(await read(machine(), 'k')).toBe('one');
    expect(waits).toEqual([1000, 2000, 1000, 2000]);
  });

  it('are a SystemError when they can not be had, without the keys in it', async () => {
    const refused = machine({ s3: { secretKey: 'very-wrong' } });
    const error = await save(refused, 'k', { a: 'one' }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SystemError);
    expect((error as Error).message).toContain('SignatureDoesNotMatch');
    answers = [() => 400];
    const odd = await read(machine(), 'k').catch((thrown: Error) => thrown.message);
    expect(odd).toContain('Odd: [MASKED] is wrong');
    for (const text of [(error as Error).message, odd]) expect(text).not.toMatch(/very-wrong|S3RVER/);
    answers = [() => 'cut', () => 'cut', () => 'cut'];
    await expect(read(machine(), 'k')).rejects.toBeInstanceOf(SystemError);
    expect(server.objects()).toEqual([]);
  });

  it('are not uploaded when they are larger than allowed', async () => {
    await expect(save(machine({ most: 100 }), 'k', { a: 'x'.repeat(50) })).rejects.toThrow(
      '`MaxUploadedArchiveSize` is 100',
    );
    expect(seen).toEqual([]);
  });

  it('of more than 5 GiB are refused before anything is sent', async () => {
    const tls = new TlsMaterial({ ca: undefined, cert: undefined, key: undefined }, () => {});
    const keys = { accessKey: 'S3RVER', secretKey: 'S3RVER', sessionToken: '', insecure: true };
    const s3 = { ...keys, serverAddress: '127.0.0.1:1', bucketName: server.bucket, bucketLocation: '' };
    const clock: Clock = { now: Date.now, elapsed: Date.now, sleep: async () => {} };
    using bucket = s3Bucket({ s3, clock, env: {}, tls, timeoutMs: 5000 });
    const put = (sizeBytes: number) => bucket.put('k', { path: '/dev/null', sizeBytes }, signal);
    await expect(put(5 * 1024 ** 3 + 1)).rejects.toThrow('takes no more than 5 GiB in one piece');
    await expect(put(0)).rejects.toThrow("the server of caches can't be used");
  });

  it('that are no zip archives are refused', async () => {
    const caches = machine();
    await save(caches, 'k', { a: 'one' });
    const bad = join(home, 'bad');
    writeFileSync(bad, Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0]));
    const tls = new TlsMaterial({ ca: undefined, cert: undefined, key: undefined }, () => {});
    const s3 = { serverAddress: server.address, accessKey: 'S3RVER', secretKey: 'S3RVER', sessionToken: '' };
    const rest = { bucketName: server.bucket, bucketLocation: '', insecure: true };
    const clock: Clock = { now: Date.now, elapsed: Date.now, sleep: async () => {} };
    using bucket = s3Bucket({ s3: { ...s3, ...rest }, clock, env: {}, tls, timeoutMs: 5000 });
    await bucket.put('deep/runner/short/project/1/k', { path: bad, sizeBytes: 5 }, signal);
    await expect(read(caches, 'k')).rejects.toThrow('packed as tar.zst');
    writeFileSync(bad, 'PK no zip');
    await bucket.put('deep/runner/short/project/1/k', { path: bad, sizeBytes: 9 }, signal);
    await expect(read(caches, 'k')).rejects.toThrow("can't be unpacked");
  });

  it('stop when the job is stopped', async () => {
    const stop = new AbortController();
    stop.abort(new Error('stopped'));
    await expect(machine().restore('k', 'exact', stop.signal)).rejects.toThrow('stopped');
  });
});
