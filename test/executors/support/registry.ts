import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import type { Engine } from '../../../src/executors/docker/engine.ts';
import { removeTree } from '../../../src/util/files/remove-tree.ts';
import { findProgram } from '../../../src/util/find-program.ts';

/** Debian's `docker-registry`; undefined where it is not installed. */
export const registryProgram = findProgram('docker-registry', process.env.PATH ?? '');

/** The one user of registries that want a login. */
export const registryUser = {
  name: 'someone',
  password: 'secret-canary-8842',
  bcrypt: '$2b$04$MBcz4zvsXLS.EPKFHYN/TOWKVrn7avVm.NlskYwoSHmSDTjO02MpC',
};

const architectures: Readonly<Record<string, string>> = { x64: 'amd64' };
/** This machine's, as images name it. */
export const ownArchitecture = architectures[process.arch] ?? process.arch;

export interface ImageToMake {
  /** What layers are made of: files by path, or links (`-> target`). Default: one that no other image has. */
  readonly layers?: readonly Layer[];
  readonly architecture?: string;
}

export type Layer = Readonly<Record<string, Uint8Array | string>>;

/** A registry of a test on this machine. */
export interface TestRegistry extends AsyncDisposable {
  readonly port: number;
  /** Puts an image there without the engine; gives its digest. */
  put(repository: string, tag: string, image?: ImageToMake): Promise<string>;
  /** Puts an image for each of several architectures there, under one name. */
  putList(repository: string, tag: string, architectures: readonly string[]): Promise<void>;
}

/** Starts a registry on a free port of the loopback; `login`: it wants `registryUser`. */
export async function startRegistry(access: 'open' | 'login'): Promise<TestRegistry> {
  const place = mkdtempSync(join(tmpdir(), 'ci-registry-'));
  const passwords = join(place, 'htpasswd');
  writeFileSync(passwords, `${registryUser.name}:${registryUser.bcrypt}\n`);
  mkdirSync(join(place, 'data'));
  const config = {
    version: 0.1,
    log: { level: 'info', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(place, 'data') } },
    http: { addr: '127.0.0.1:0' },
    ...(access === 'open' ? {} : { auth: { htpasswd: { realm: 'test', path: passwords } } }),
  };
  // JSON is YAML.
  writeFileSync(join(place, 'config.yml'), JSON.stringify(config));
  const child = spawn(registryProgram!, ['serve', join(place, 'config.yml')], {
    env: { PATH: process.env.PATH ?? '', OTEL_TRACES_EXPORTER: 'none' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const port = await new Promise<number>((resolve, reject) => {
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const found = /listening on 127\.0\.0\.1:(\d+)/.exec(said);
      if (found) resolve(Number(found[1]));
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the registry ended with ${code}: ${said}`)));
  });
  const client = registryClient(port);
  return {
    port,
    put: async (repository, tag, image) => (await client.putImage(repository, tag, image ?? {})).digest,
    putList: client.putList,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
      await removeTree(place);
    },
  };
}

const types = {
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  list: 'application/vnd.docker.distribution.manifest.list.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
};

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

function registryClient(port: number) {
  const base = `http://127.0.0.1:${port}/v2`;
  const authorization = `Basic ${Buffer.from(`${registryUser.name}:${registryUser.password}`).toString('base64')}`;

  async function send(method: string, url: string, body?: Uint8Array, type = 'application/octet-stream') {
    const headers = { authorization, 'content-type': type };
    const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body: Buffer.from(body) }) });
    if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
    await response.arrayBuffer();
    return response.headers;
  }
  async function putBlob(repository: string, blob: Uint8Array): Promise<void> {
    const started = await send('POST', `${base}/${repository}/blobs/uploads/`);
    const place = new URL(started.get('location')!, base);
    place.searchParams.set('digest', digestOf(blob));
    await send('PUT', place.href, blob);
  }
  async function putImage(repository: string, tag: string, image: ImageToMake) {
    const { layers = [{ 'by-chance': Buffer.from(String(Math.random())) }], architecture = ownArchitecture } = image;
    const tars = await Promise.all(layers.map(tarOf));
    const zipped = tars.map((tar) => gzipSync(tar));
    const config = Buffer.from(
      JSON.stringify({
        ...{ architecture, os: 'linux', config: { Cmd: ['sh'] } },
        rootfs: { type: 'layers', diff_ids: tars.map(digestOf) },
        history: tars.map(() => ({ created: '2024-01-01T00:00:00Z', created_by: 'a test' })),
      }),
    );
    for (const blob of [config, ...zipped]) await putBlob(repository, blob);
    const manifest = Buffer.from(
      JSON.stringify({
        ...{ schemaVersion: 2, mediaType: types.manifest },
        config: { mediaType: types.config, size: config.length, digest: digestOf(config) },
        layers: zipped.map((blob) => ({ mediaType: types.layer, size: blob.length, digest: digestOf(blob) })),
      }),
    );
    await send('PUT', `${base}/${repository}/manifests/${tag}`, manifest, types.manifest);
    return { digest: digestOf(manifest), size: manifest.length };
  }
  async function putList(repository: string, tag: string, all: readonly string[]): Promise<void> {
    const manifests: unknown[] = [];
    for (const architecture of all) {
      const { digest, size } = await putImage(repository, `${tag}-${architecture}`, { architecture });
      manifests.push({ mediaType: types.manifest, digest, size, platform: { architecture, os: 'linux' } });
    }
    const list = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: types.list, manifests }));
    await send('PUT', `${base}/${repository}/manifests/${tag}`, list, types.list);
  }
  return { putImage, putList };
}

async function tarOf(layer: Layer): Promise<Buffer> {
  const archive = pack();
  for (const [name, content] of Object.entries(layer)) {
    if (typeof content === 'string') archive.entry({ name, type: 'symlink', linkname: content.slice(3) });
    else archive.entry({ name, mode: 0o755 }, Buffer.from(content));
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Makes an image at the engine alone, as `docker build` would; gives its id. */
export async function makeLocally(engine: Engine, repository: string, tag: string): Promise<string> {
  const tar = await tarOf({ 'made-here': Buffer.from(String(Math.random())) });
  const stream = await engine.api.importImage(Readable.from([tar]), { repo: repository, tag });
  for await (const _ of stream as unknown as AsyncIterable<unknown>);
  return (await engine.api.getImage(`${repository}:${tag}`).inspect()).Id;
}

/** A shell and its tools, and something that no other image has; undefined where there is no static busybox. */
export function busyboxLayer(): Layer | undefined {
  const busybox = findProgram('busybox', process.env.PATH ?? '');
  if (busybox === undefined) return undefined;
  const applets = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).split('\n').filter(Boolean);
  return {
    'bin/busybox': readFileSync(busybox),
    ...Object.fromEntries(applets.filter((name) => name !== 'busybox').map((name) => [`bin/${name}`, '-> busybox'])),
    'etc/passwd': Buffer.from('root:x:0:0:root:/root:/bin/sh\n'),
    'by-chance': Buffer.from(String(Math.random())),
  };
}

/** Takes a registry's names off the engine's images; those that nobody else has a name for are gone then. */
export async function removeImagesOf(engine: Engine, host: string): Promise<void> {
  for (const { RepoTags, RepoDigests } of await engine.api.listImages()) {
    const names = [...(RepoTags ?? []), ...(RepoDigests ?? [])].filter((name) => name.startsWith(`${host}/`));
    for (const name of names) {
      // Its digest goes with a repository's last tag.
      await engine.api
        .getImage(name)
        .remove({ force: true })
        .catch(() => {});
    }
  }
}
