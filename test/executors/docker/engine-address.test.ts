import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { connectEngine } from '../../../src/executors/docker/engine.ts';
import { engineCandidates } from '../../../src/executors/docker/engine-address.ts';
import { removeTree } from '../../../src/util/files/remove-tree.ts';

const place = mkdtempSync(join(tmpdir(), 'ci-address-'));
afterAll(() => removeTree(place));

function withContext(name: string, docker: object, current = true): string {
  const home = mkdtempSync(join(place, 'home-'));
  const meta = join(home, '.docker/contexts/meta', createHash('sha256').update(name).digest('hex'));
  mkdirSync(meta, { recursive: true });
  if (current) writeFileSync(join(home, '.docker/config.json'), JSON.stringify({ currentContext: name }));
  writeFileSync(join(meta, 'meta.json'), JSON.stringify({ Name: name, Endpoints: { docker } }));
  return home;
}

describe('where the engine is', () => {
  it('reads the current context, unless something nearer is said', async () => {
    const home = withContext('mine', { Host: 'tcp://engine.example:2375' });
    const mine = {
      source: 'context mine',
      text: 'tcp://engine.example:2375',
      address: { kind: 'tcp', host: 'engine.example', port: 2375 },
    };
    expect(await engineCandidates({ home })).toEqual([mine]);
    const sources = async (location: object) =>
      (await engineCandidates({ home, ...location })).map(({ source, text }) => `${source} ${text}`);
    const configured = { configuredHost: 'unix:///own.sock' };
    expect(await sources(configured)).toEqual(['[docker] host unix:///own.sock']);
    expect(await sources({ ...configured, context: 'mine' })).toEqual([
      'DOCKER_CONTEXT mine tcp://engine.example:2375',
    ]);
    expect(await sources({ ...configured, context: 'mine', host: 'unix:///x' })).toEqual(['DOCKER_HOST unix:///x']);
    // `default` is what there is without contexts.
    expect((await sources({ context: 'default' }))[0]).toBe('default socket unix:///var/run/docker.sock');
  });

  it('knows the usual sockets, those of other programs where they are', async () => {
    const texts = async (location: Parameters<typeof engineCandidates>[0]) =>
      (await engineCandidates(location)).map(({ text }) => text);
    const home = mkdtempSync(join(place, 'home-'));
    const usual = (runtime: string) => [
      'unix:///var/run/docker.sock',
      `unix://${home}/.docker/run/docker.sock`,
      `unix://${runtime}/docker.sock`,
      `unix://${runtime}/podman/podman.sock`,
      'unix:///run/podman/podman.sock',
    ];
    expect(await texts({ home, runtimeDirectory: '/run/user/5' })).toEqual(usual('/run/user/5'));
    expect(await texts({ home, uid: 6 })).toEqual(usual('/run/user/6'));
    expect(await texts({ home, uid: 0 })).toHaveLength(3);
    for (const path of ['.colima/default', '.orbstack/run', '.rd']) {
      mkdirSync(join(home, path), { recursive: true });
      writeFileSync(join(home, path, 'docker.sock'), '');
    }
    expect((await texts({ home, uid: 0 })).slice(3)).toEqual(
      ['.colima/default', '.orbstack/run', '.rd'].map((path) => `unix://${home}/${path}/docker.sock`),
    );
  });

  it.each([
    ['ssh://me@far:2222', { kind: 'ssh', host: 'far', port: 2222, user: 'me', environment: {} }],
    ['ssh://far/run/other.sock', { kind: 'ssh', host: 'far', socket: '/run/other.sock', environment: {} }],
    ['ssh://[::1]', { kind: 'ssh', host: '::1', environment: {} }],
    ['tcp://far', { kind: 'tcp', host: 'far', port: 2375 }],
    ['far:99', { kind: 'tcp', host: 'far', port: 99 }],
    ['http://[::1]:99', { kind: 'tcp', host: '::1', port: 99 }],
    ['http://far:80', { kind: 'tcp', host: 'far', port: 80 }],
    ['https://far', { kind: 'tcp', host: 'far', port: 2376, tls: { directory: '/h/.docker', verify: 'server' } }],
    ['tcp://far:2376', { kind: 'tcp', host: 'far', port: 2376, tls: { directory: '/h/.docker', verify: 'server' } }],
    ['unix:///a b', { kind: 'socket', path: '/a b' }],
    ['/a', { kind: 'socket', path: '/a' }],
    ['unix://', { kind: 'socket', path: '/var/run/docker.sock' }],
  ])('reads %s', async (host, address) => {
    expect(await engineCandidates({ home: '/h', host })).toEqual([{ source: 'DOCKER_HOST', text: host, address }]);
  });

  it.each([
    ['npipe:////./pipe/docker_engine', /named pipe of Windows: run ci inside of WSL/],
    ['gopher://x', /by unix, tcp or ssh, not by gopher/],
    ['tcp://a b', /no address of an engine; expected unix:\/\/PATH/],
    ['ssh://-oProxyCommand=x', /names no host for ssh/],
  ])('refuses %s', async (host, message) => {
    await expect(engineCandidates({ home: '/h', host })).rejects.toThrow(message);
  });

  it('shows no password of an address', async () => {
    for (const host of ['ssh://me:s3cret@far', 'tcp://me:s3cret@far', 'https://me:s3cret@far']) {
      const [candidate] = await engineCandidates({ home: '/h', host });
      expect(JSON.stringify(candidate)).not.toContain('s3cret');
    }
    for (const host of ['ssh://-x:s3:s3cret@far', 'ftp://me:s3@s3cret@far', 'tcp://me:s3cret@a b', 'me:s3cret@a b']) {
      const error: unknown = await engineCandidates({ home: '/h', host }).catch((reason: unknown) => reason);
      expect(String(error)).toMatch(/@(far|a b)`/);
      expect(String(error)).not.toContain('s3cret');
    }
  });

  it('says which context is wrong', async () => {
    const home = withContext('empty', {}, false);
    await expect(engineCandidates({ home, context: 'empty' })).rejects.toThrow('`empty` names no engine');
    await expect(engineCandidates({ home, context: 'gone' })).rejects.toThrow(/`gone` is not known in .*context ls/);
  });

  it.skipIf(process.getuid?.() === 0)('says which certificate can not be read', async () => {
    const directory = mkdtempSync(join(place, 'certs-'));
    writeFileSync(join(directory, 'key.pem'), 'x');
    chmodSync(join(directory, 'key.pem'), 0);
    await expect(engineCandidates({ home: '/h', host: 'https://far', certPath: directory })).rejects.toThrow(
      /key\.pem can't be read/,
    );
  });

  it('names everything that was tried, what is absent together', async () => {
    const home = mkdtempSync(join(place, 'home-'));
    writeFileSync(join(home, 'file'), '');
    await expect(connectEngine({ home, host: `unix://${home}/file` })).rejects.toThrow(
      `unix://${home}/file (DOCKER_HOST): nobody listens`,
    );
    await expect(connectEngine({ home, host: 'tcp://127.0.0.1:1' })).rejects.toThrow('nobody listens');
  });
});
