import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectEngine, findEngine } from '../../../src/executors/docker/engine.ts';
import { removeTree } from '../../../src/util/files/remove-tree.ts';
import { type Authority, makeAuthority } from '../support/certificates.ts';
import { freePort, noDockerd, startDockerd, type TestDockerd } from '../support/dockerd.ts';

const missing = noDockerd();
if (missing !== undefined) console.error(`!!! TESTS OF TLS ARE SKIPPED: ${missing}`);
const place = mkdtempSync(join(tmpdir(), 'ci-tls-'));
const started: TestDockerd[] = [];
afterAll(async () => {
  for (const engine of started) await engine[Symbol.asyncDispose]();
  await removeTree(place);
});

describe.skipIf(missing !== undefined)('an engine with TLS', () => {
  let ours: Authority;
  let others: Authority;
  let port: number;
  let expiredPort: number;
  const folder = (name: string): string => join(place, name);

  const serve = async (name: string, certificates: string): Promise<number> => {
    const free = await freePort();
    const file = (each: string): string => join(certificates, each);
    const tls = [
      '--tlsverify',
      '--tlscacert',
      file('ca.pem'),
      '--tlscert',
      file('cert.pem'),
      '--tlskey',
      file('key.pem'),
    ];
    started.push(await startDockerd(place, name, ['--host', `tcp://127.0.0.1:${free}`, ...tls]));
    return free;
  };

  beforeAll(async () => {
    ours = await makeAuthority(place, 'ours');
    others = await makeAuthority(place, 'others');
    await ours.issue(folder('server'), { names: 'IP:127.0.0.1' });
    await ours.issue(folder('server-expired'), { names: 'IP:127.0.0.1', expired: true });
    await ours.issue(folder('client'), {});
    await ours.issue(folder('client-expired'), { expired: true });
    await others.issue(folder('client-of-others'), {});
    mkdirSync(folder('nothing-but-ca'));
    copyFileSync(ours.ca, join(folder('nothing-but-ca'), 'ca.pem'));
    cpSync(folder('client-of-others'), folder('mixed'), { recursive: true });
    copyFileSync(ours.ca, join(folder('mixed'), 'ca.pem'));
    cpSync(folder('client'), folder('no-ca'), { recursive: true });
    rmSync(join(folder('no-ca'), 'ca.pem'));
    cpSync(folder('client'), folder('damaged'), { recursive: true });
    writeFileSync(join(folder('damaged'), 'key.pem'), 'no key');
    [port, expiredPort] = await Promise.all([
      serve('engine', folder('server')),
      serve('engine-expired', folder('server-expired')),
    ]);
  });

  const problemOf = async (host: string, certPath: string): Promise<string | undefined> => {
    const location = { home: place, host, certPath: folder(certPath), tlsVerify: true };
    return (await findEngine(location)).attempts[0]!.problem;
  };

  it('is reached with the right certificates', async () => {
    const host = `tcp://127.0.0.1:${port}`;
    const engine = await connectEngine({ home: place, host, certPath: folder('client'), tlsVerify: true });
    expect(engine.isLocal).toBe(false);
    expect((await engine.facts()).system).toBe('linux');
    // Port 2376 and https:// say it too.
    expect(
      (await connectEngine({ home: place, host: host.replace('tcp', 'https'), certPath: folder('client') })).kind,
    ).toBe('docker');
  });

  it('is reached by a context, whose certificates lie beside it', async () => {
    const config = folder('config');
    const id = createHash('sha256').update('far').digest('hex');
    mkdirSync(join(config, 'contexts/meta', id), { recursive: true });
    mkdirSync(join(config, 'contexts/tls', id), { recursive: true });
    cpSync(folder('client'), join(config, 'contexts/tls', id, 'docker'), { recursive: true });
    const write = (skip: boolean): void => {
      const docker = { Host: `tcp://localhost:${port}`, SkipTLSVerify: skip };
      writeFileSync(
        join(config, 'contexts/meta', id, 'meta.json'),
        JSON.stringify({ Name: 'far', Endpoints: { docker } }),
      );
    };
    write(false);
    const location = { home: place, context: 'far', configDirectory: config };
    expect((await findEngine(location)).attempts).toEqual([
      {
        source: 'DOCKER_CONTEXT far',
        text: `tcp://localhost:${port}`,
        problem: 'its certificate is not for localhost, but for IP Address:127.0.0.1',
      },
    ]);
    write(true);
    expect((await connectEngine(location)).text).toBe(`tcp://localhost:${port}`);
  });

  it.each([
    [
      'another CA',
      'client-of-others',
      /its certificate is not of a known CA: .*client-of-others\/ca\.pem is another's/,
    ],
    ['no CA', 'no-ca', /its certificate is not of a known CA: there is no ca\.pem in .*no-ca/],
    [
      'no certificate',
      'nothing-but-ca',
      /it wants a certificate of the client: there is no cert\.pem with its key\.pem in/,
    ],
    ["another CA's certificate", 'mixed', /it refuses our certificate .*mixed\/cert\.pem/],
    ['an expired certificate', 'client-expired', /it refuses our certificate .*client-expired\/cert\.pem/],
    ['a damaged key', 'damaged', /the certificates in .*damaged can't be used/],
  ])('says what is wrong with %s of the client', async (_, certificates, expected) => {
    expect(await problemOf(`tcp://127.0.0.1:${port}`, certificates)).toMatch(expected);
  });

  it('says what is wrong with the certificate of the engine', async () => {
    expect(await problemOf(`tcp://127.0.0.1:${expiredPort}`, 'client')).toMatch(/its certificate has expired/);
    expect(await problemOf(`tcp://localhost:${port}`, 'client')).toMatch(
      /is not for localhost, but for IP Address:127/,
    );
  });

  it('says that TLS is wanted, or not spoken', async () => {
    const plain = await findEngine({ home: place, host: `tcp://127.0.0.1:${port}` });
    expect(plain.attempts[0]!.problem).toMatch(/it wants TLS: set DOCKER_TLS_VERIFY=1/);
    const { remoteEngine } = await import('../support/engine-proxy.ts');
    await using proxy = await remoteEngine(join(place, 'engine/docker.sock'));
    expect(await problemOf(proxy.host, 'client')).toMatch(/does not speak TLS/);
  });
});
