import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCi } from '../support/run-ci.ts';
import { temporaryProject } from '../support/temporary-project.ts';

it('remote includes by https believe only known certificates, those of NODE_EXTRA_CA_CERTS too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ci-https-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert];
  execFileSync('openssl', [...made, ...subject], { stdio: 'ignore' });
  let asked = 0;
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => {
    asked++;
    response.end('a: { script: [echo by https] }\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    using project = temporaryProject({ '.gitlab-ci.yml': `include: https://127.0.0.1:${port}/a.yml\n` });
    const env = { CI_CLI_ALLOW_PRIVATE_INCLUDES: '127.0.0.0/8' };
    const fetched = (more: Readonly<Record<string, string>>) =>
      runCi(['fetch'], { cwd: project.root, home: project.home, env: { ...env, ...more } });
    const unknown = await fetched({});
    expect([unknown.exitCode, asked]).toEqual([4, 0]);
    expect(unknown.stderr).toContain('self-signed certificate');
    expect((await fetched({ NODE_EXTRA_CA_CERTS: cert })).stderr).toBe('');
    expect(asked).toBe(1);
  } finally {
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
  }
});
