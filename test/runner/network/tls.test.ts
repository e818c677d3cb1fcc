import { X509Certificate } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import type { Server as TlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { discard } from '../../../src/runner/network/exchange.ts';
import type { Credentials } from '../../../src/runner/network/gitlab-client.ts';
import { networkError } from '../../../src/runner/network/network-error.ts';
import { Transport } from '../../../src/runner/network/transport.ts';
import { runCommand } from '../../../src/util/process-command.ts';
import { makeAuthority } from '../../executors/support/certificates.ts';
import { rows as all } from '../support/corpus.ts';
import { clientOf, info, networkGiven } from '../support/network.ts';
import { json, type ScriptedServer, scriptedServer } from '../support/scripted-server.ts';

const place = mkdtempSync(join(tmpdir(), 'runner-tls-'));
const file = (name: string): string => join(place, name);
const pem = (name: string): string => readFileSync(file(name), 'utf8');

beforeAll(async () => {
  const authority = await makeAuthority(place, 'authority');
  await authority.issue(file('server'), { names: 'IP:127.0.0.1' });
  await authority.issue(file('other'), { names: 'IP:127.0.0.1' });
  await authority.issue(file('client'), {});
  mkdirSync(file('self'));
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-addext'];
  const args = ['req', '-x509', ...made, 'subjectAltName=IP:127.0.0.1', '-subj', '/CN=self', '-keyout', 'key.pem'];
  const env = { PATH: process.env.PATH ?? '', HOME: place };
  const { code } = await runCommand(['openssl', ...args, '-out', 'cert.pem'], { directory: file('self'), env });
  expect(code).toBe(0);
});

afterAll(() => rmSync(place, { recursive: true, force: true }));

function secureServer(folder: string, clients: 'any' | 'with-certificate' = 'any'): Promise<ScriptedServer> {
  return scriptedServer(() => json(200, { id: 4, token: 't' }), {
    cert: pem(`${folder}/cert.pem`),
    key: pem(`${folder}/key.pem`),
    ...(clients === 'any' ? {} : { ca: pem('authority/ca.pem'), requestCert: true, rejectUnauthorized: true }),
  });
}

async function statusOf(credentials: Credentials, certificateDirectory?: string): Promise<number> {
  const more = certificateDirectory === undefined ? {} : { certificateDirectory };
  const { client } = clientOf(credentials, more);
  const answered = await client.verify({ info });
  client.close();
  return answered.kind === 'valid' ? 200 : -1;
}

async function caChainOf(credentials: Credentials): Promise<string> {
  const { client } = clientOf(credentials);
  const outcome = await client.requestJob({ info, systemId: 's', signal: new AbortController().signal });
  client.close();
  return outcome.kind === 'job' ? outcome.caChain : `no job: ${JSON.stringify(outcome)}`;
}

const rows = new Map(all.filter(({ name }) => name.startsWith('tls.')).map((row) => [row.name, row]));

describe('TLS', () => {
  const ca = () => file('authority/ca.pem');
  const ways: Record<string, () => Promise<void>> = {
    'tls.ca_file': async () => {
      await using server = await secureServer('server');
      expect(await statusOf({ url: server.url, token: 't', tlsCaFile: ca() })).toBe(200);
    },
    'tls.ca_in_predefined_directory': async () => {
      await using server = await secureServer('server');
      mkdirSync(file('certs'));
      copyFileSync(ca(), file('certs/127.0.0.1.crt'));
      expect(await statusOf({ url: server.url, token: 't' }, file('certs'))).toBe(200);
    },
    'tls.client_cert_required_missing': async () => {
      await using server = await secureServer('server', 'with-certificate');
      expect(await statusOf({ url: server.url, token: 't', tlsCaFile: ca() })).toBe(-1);
    },
    'tls.client_cert': async () => {
      await using server = await secureServer('server', 'with-certificate');
      const own = { tlsCertFile: file('client/cert.pem'), tlsKeyFile: file('client/key.pem') };
      expect(await statusOf({ url: server.url, token: 't', tlsCaFile: ca(), ...own })).toBe(200);
    },
    'tls.client_cert_in_predefined_directory': async () => {
      await using server = await secureServer('server', 'with-certificate');
      mkdirSync(file('certs2'));
      copyFileSync(ca(), file('certs2/127.0.0.1.crt'));
      copyFileSync(file('client/cert.pem'), file('certs2/127.0.0.1.auth.crt'));
      copyFileSync(file('client/key.pem'), file('certs2/127.0.0.1.auth.key'));
      expect(await statusOf({ url: server.url, token: 't' }, file('certs2'))).toBe(200);
    },
    'tls.server_certificate_rotates': async () => {
      await using server = await secureServer('server');
      const given = networkGiven({ limits: { connectionMaxAgeMs: 0 } });
      const transport = new Transport({ url: server.url, token: 't', tlsCaFile: ca() }, given);
      const serials: string[] = [];
      for (let call = 0; call < 10; call++) {
        const folder = call % 2 === 0 ? 'other' : 'server';
        (server.server as TlsServer).setSecureContext({
          cert: pem(`${folder}/cert.pem`),
          key: pem(`${folder}/key.pem`),
        });
        const answer = await transport.call({ method: 'GET', path: 'x' });
        serials.push((answer.socket as TLSSocket).getPeerCertificate().serialNumber);
        await discard(answer);
      }
      transport.close();
      for (const [index, serial] of serials.entries()) expect(serial).not.toBe(serials[index + 1]);
    },
  };

  it.each(Object.entries(ways))('%s', async (_name, check) => check());

  it.skipIf(rows.size === 0)('has a test for each row', () => {
    expect([...rows.keys()].sort()).toEqual(Object.keys(ways).sort());
  });

  it('trusts a server that signed itself, and no other', async () => {
    await using server = await secureServer('self');
    expect(await statusOf({ url: server.url, token: 't', tlsCaFile: file('self/cert.pem') })).toBe(200);
    expect(await statusOf({ url: server.url, token: 't' })).toBe(-1);
    expect(await statusOf({ url: server.url, token: 't', tlsCaFile: ca() })).toBe(-1);
  });

  it('trusts a certificate of the file whose signer is not there', async () => {
    await using server = await secureServer('server');
    expect(await statusOf({ url: server.url, token: 't', tlsCaFile: file('server/cert.pem') })).toBe(200);
    expect(await statusOf({ url: server.url, token: 't', tlsCaFile: file('other/cert.pem') })).toBe(-1);
  });

  it('reads the files again when they change', async () => {
    await using server = await secureServer('server');
    const path = file('changing.crt');
    copyFileSync(file('self/cert.pem'), path);
    const { client } = clientOf({ url: server.url, token: 't', tlsCaFile: path });
    expect((await client.verify({ info })).kind).toBe('unknown');
    copyFileSync(ca(), path);
    utimesSync(path, new Date(), new Date(Date.now() + 5000));
    expect((await client.verify({ info })).kind).toBe('valid');
    client.close();
  });

  it('tells of files that hold nothing, and goes on', async () => {
    await using server = await secureServer('server');
    writeFileSync(file('bad.crt'), `no certificate\n${pem('authority/ca.pem').replace(/[A-Z]/g, 'A')}`);
    const credentials = { url: server.url, token: 't', tlsCaFile: file('bad.crt') };
    const { client, lines } = clientOf({ ...credentials, tlsCertFile: file('bad.crt'), tlsKeyFile: file('bad.crt') });
    expect((await client.verify({ info })).kind).toBe('unknown');
    expect(lines.map(({ message }) => message)).toEqual(
      expect.arrayContaining(['Failed to load certificates of the CA file', 'Failed to load the client certificate']),
    );
    client.close();
  });

  it('gives jobs what they need to trust the server', async () => {
    const job = async (folder: string): Promise<ScriptedServer> =>
      scriptedServer(() => json(201, { id: 1, token: 't' }), {
        cert: pem(`${folder}/cert.pem`) + (folder === 'server' ? pem('authority/ca.pem') : ''),
        key: pem(`${folder}/key.pem`),
      });
    await using server = await job('server');
    const ofFile = await caChainOf({ url: server.url, token: 't', tlsCaFile: ca() });
    expect(new X509Certificate(ofFile).subject).toBe('CN=authority');
    await using self = await job('self');
    const ofSelf = await caChainOf({ url: self.url, token: 't', tlsCaFile: file('self/cert.pem') });
    expect(new X509Certificate(ofSelf).subject).toBe('CN=self');
  });
});

it('says what is wrong in words that help', async () => {
  await using server = await secureServer('server', 'with-certificate');
  await using other = await secureServer('other');
  const whyOf = async (credentials: Omit<Credentials, 'token'>): Promise<string> => {
    const { client } = clientOf({ ...credentials, token: 't' });
    const answered = await client.verify({ info });
    client.close();
    return answered.kind === 'unknown' ? answered.why : answered.kind;
  };
  const tlsCaFile = file('authority/ca.pem');
  expect(await whyOf({ url: server.url })).toMatch(/certificate is not trusted \(.+\): .*`tls-ca-file`$/);
  expect(await whyOf({ url: server.url, tlsCaFile })).toMatch(/TLS: \S+ alert certificate required$/);
  const localhost = other.url.replace('127.0.0.1', 'localhost');
  expect(await whyOf({ url: localhost, tlsCaFile })).toMatch(/certificate is for another name \(Host: localhost/);
  await using plain = await scriptedServer(() => ({ status: 200 }));
  expect(await whyOf({ url: plain.url.replace('http:', 'https:') })).toMatch(/is its address one of plain http\?$/);
});

it('names each address of a server that does not answer', () => {
  const [first, second] = [new Error('connect ECONNREFUSED ::1:9'), new Error('connect ECONNREFUSED 127.0.0.1:9')];
  const both = networkError(Object.assign(new AggregateError([first, second]), { code: 'ECONNREFUSED' }));
  expect(both).toMatchObject({ message: `${first.message}; ${second.message}`, code: 'ECONNREFUSED' });
  expect(networkError(first)).toBe(first);
});

it.each([
  ['the bundle that SSL_CERT_FILE names', 'authority/ca.pem', 200],
  ['nobody by a bundle that is not there', 'authority/none.pem', -1],
])('trusts %s', async (_, bundle, status) => {
  await using server = await secureServer('server');
  const { client } = clientOf({ url: server.url, token: 't' }, { env: { SSL_CERT_FILE: file(bundle) } });
  const answered = await client.verify({ info });
  client.close();
  expect(answered.kind === 'valid' ? 200 : -1).toBe(status);
});
