import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { hostOf } from '../../../src/runner/session/advertised-host.ts';
import { selfSigned } from '../../../src/runner/session/self-signed.ts';

const day = 86_400_000;

describe('selfSigned', () => {
  it.each([
    ['runner.example.com', 'DNS:runner.example.com'],
    ['192.0.2.7', 'IP Address:192.0.2.7'],
    ['2001:db8::1:0:0:7', 'IP Address:2001:DB8:0:0:1:0:0:7'],
    ['::1', 'IP Address:0:0:0:0:0:0:0:1'],
    [`${'a'.repeat(60)}.${'b'.repeat(60)}.example`, `DNS:${'a'.repeat(60)}.${'b'.repeat(60)}.example`],
  ])('is for %s alone, for two years, and signs itself', (host, name) => {
    const now = Date.parse('2026-03-01T00:00:00Z');
    const made = new X509Certificate(selfSigned(host, now).cert);
    expect(made.subjectAltName).toBe(name);
    expect(made.verify(made.publicKey)).toBe(true);
    expect(made.issuer).toBe(made.subject);
    expect(made.ca).toBe(false);
    expect(made.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(Date.parse(made.validFrom)).toBeLessThan(now);
    expect(Date.parse(made.validTo)).toBe(Date.parse('2028-03-01T00:00:00Z'));
    expect(made.checkHost('other.example') ?? made.checkIP('192.0.2.8')).toBeUndefined();
  });

  it('writes years from 2050 as certificates want them', () => {
    const made = new X509Certificate(selfSigned('a', Date.parse('2049-06-01T00:00:00Z')).cert);
    expect(Date.parse(made.validTo)).toBe(Date.parse('2051-06-01T00:00:00Z'));
  });

  it('is another one each time', () => {
    const serials = [1, 2, 3].map(() => new X509Certificate(selfSigned('a', Date.now()).cert).serialNumber);
    expect(new Set(serials).size).toBe(3);
  });

  it('is taken by a TLS client that has it for its authority, for its host, and by no other', async () => {
    const { key, cert } = selfSigned('runner.test', Date.now());
    const server = createServer({ key, cert }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const tryOut = (ca: string, servername: string) =>
      new Promise<string>((resolve) => {
        const socket = connect({ port, host: '127.0.0.1', ca, servername }, () => {
          resolve(`${socket.authorized} ${socket.getProtocol()}`);
          socket.destroy();
        });
        socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(String(code)));
      });
    expect(await tryOut(cert, 'runner.test')).toBe('true TLSv1.3');
    expect(await tryOut(cert, 'other.test')).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(await tryOut(selfSigned('runner.test', Date.now() + day).cert, 'runner.test')).toMatch(
      /^(DEPTH_ZERO_SELF|SELF)/,
    );
    server.close();
  });
});

describe('hostOf', () => {
  it.each([
    ['runner.example.com:8093', 'runner.example.com'],
    ['runner', 'runner'],
    ['[::1]:8093', '::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    [':8093', ''],
    ['https://runner:8093', ''],
    ['runner:8093/path', ''],
    ['user@runner:8093', ''],
    ['', ''],
  ])('%s → %s', (address, host) => expect(hostOf(address)).toBe(host));
});
