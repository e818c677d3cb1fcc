import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { runCi } from '../support/run-ci.ts';
import { type TemporaryProject, temporaryProject } from '../support/temporary-project.ts';

const folder = mkdtempSync(join(tmpdir(), 'ci-orbs-'));
const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];

/** Sources by `namespace/orb@1.2.3`; the highest that fits is given out, as by the registry. */
const published = new Map<string, string>();
const asked: { readonly reference: string; readonly token: string | undefined }[] = [];
const privates = new Set<string>();
let misbehave: 'redirect' | 'no json' | 'error' | 'unavailable' | undefined;
let server: Server;
let url: string;

const tokenOfUser = 'circle-token-123456';

function highest(reference: string): readonly [version: string, source: string] | undefined {
  const [name, wanted] = reference.split('@');
  const fits = [...published].flatMap(([each, source]) => {
    const [other, version] = each.split('@');
    const isIt = other === name && (wanted === 'volatile' || `${version}.`.startsWith(`${wanted}.`));
    return isIt ? [[version!, source] as const] : [];
  });
  return fits.sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
}

beforeAll(async () => {
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert];
  execFileSync('openssl', [...made, ...subject], { stdio: 'ignore' });
  server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
    if (request.method === 'GET') return void response.end(published.get(request.url!.slice(1)) ?? '');
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { query, variables } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
        readonly query: string;
        readonly variables: { readonly orbVersionRef: string };
      };
      const reference = variables.orbVersionRef;
      asked.push({ reference, token: request.headers.authorization });
      if (misbehave === 'redirect') return void response.writeHead(302, { location: `${url}/elsewhere` }).end();
      if (misbehave === 'no json') return void response.end('<html>');
      if (misbehave === 'unavailable') return void response.writeHead(401).end();
      if (misbehave === 'error') return void response.end('{"data":null,"errors":[{"message":"broken\\u001b[31m"}]}');
      const isRight = request.url === '/graphql-unstable' && /orbVersion\(orbVersionRef: \$orbVersionRef\)/.test(query);
      const isSeen = !privates.has(reference) || request.headers.authorization === tokenOfUser;
      const found = isRight && isSeen ? highest(reference) : undefined;
      const orbVersion = found === undefined ? null : { id: 'x', version: found[0], source: found[1] };
      response.end(JSON.stringify({ data: { orbVersion } }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(() => {
  published.clear();
  asked.length = 0;
  privates.clear();
  misbehave = undefined;
  published.set('acme/greet@1.2.0', greet('1.2.0'));
  published.set('acme/greet@1.10.1', greet('1.10.1'));
  published.set('acme/greet@2.0.0', greet('2.0.0'));
  published.set('acme/words@0.1.0', "version: 2.1\ncommands: { say: { steps: [run: 'echo words'] } }\n");
});

const greet = (version: string): string => `version: 2.1
orbs: { words: acme/words@volatile }
commands: { hello: { steps: [words/say, run: 'echo hello of ${version}'] } }
`;

const config = (version: string): string => `version: 2.1
orbs: { greet: acme/greet@${version} }
jobs:
  a: { machine: true, steps: [greet/hello] }
  b: { machine: true, steps: [run: echo b] }
workflows: { main: { jobs: [a, b] } }
`;

function ci(project: TemporaryProject, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const given = { CI_CLI_CIRCLECI_URL: url, NODE_EXTRA_CA_CERTS: cert, ...env };
  return runCi(args, { cwd: project.root, home: project.home, env: given });
}

const references = (): readonly string[] => asked.map(({ reference }) => reference).sort();

it('orbs of the registry are fetched with those that they use, and known to all commands from then on', async () => {
  using project = temporaryProject({ '.circleci/config.yml': config('1') });
  const before = await ci(project, ['lint']);
  expect(before.stdout).toContain('is of the orb `acme/greet@1`, which is not on this machine [circle/missing-orb]');
  expect(before.stdout).toContain('`ci fetch` reads it');
  expect([before.exitCode, references()]).toEqual([0, []]);
  const fetched = await ci(project, ['fetch']);
  expect([fetched.exitCode, fetched.stderr]).toEqual([0, '']);
  expect(fetched.stdout).toMatch(/^acme\/greet@1 {2}1\.10\.1 {2}sha256:[0-9a-f]{12}\nacme\/words@volatile {2}0\.1\.0 /);
  expect((await ci(project, ['lint'])).stdout).toBe('no problems in 1 file\n');
  expect((await ci(project, ['config'])).stdout).toContain('echo hello of 1.10.1');
  const ran = await ci(project, ['run', '--reporter', 'plain']);
  expect(ran.stdout).toMatch(/words[\s\S]*hello of 1\.10\.1/);
  expect([ran.exitCode, references()]).toEqual([0, ['acme/greet@1', 'acme/words@volatile']]);
});

it('the lock file holds them at their versions and sources', async () => {
  using project = temporaryProject({ '.circleci/config.yml': config('volatile') });
  expect((await ci(project, ['fetch', '--lock'])).exitCode).toBe(0);
  const lock = JSON.parse(readFileSync(join(project.root, '.ci.lock'), 'utf8'));
  expect(lock.orbs['acme/greet@volatile']).toEqual({
    version: '2.0.0',
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  published.set('acme/greet@2.0.1', greet('2.0.1'));
  rmSync(join(project.home, 'cache'), { recursive: true, force: true });
  asked.length = 0;
  const ran = await ci(project, ['run', '--reporter', 'plain']);
  expect([ran.exitCode, references()]).toEqual([0, ['acme/greet@2.0.0', 'acme/words@0.1.0']]);
  expect(ran.stdout).toContain('hello of 2.0.0');
  rmSync(join(project.home, 'cache'), { recursive: true, force: true });
  published.set('acme/greet@2.0.0', 'version: 2.1\ncommands: { hello: { steps: [run: curl evil] } }\n');
  const changed = await ci(project, ['config']);
  expect(changed.stdout).not.toContain('evil');
  const refused = await ci(project, ['fetch']);
  expect([refused.exitCode, refused.stderr]).toEqual([
    4,
    expect.stringContaining('not the source that .ci.lock names'),
  ]);
  expect((await ci(project, ['fetch', '--update'])).stdout).toContain('acme/greet@volatile  2.0.1  ');
  const bad = { ...lock, orbs: { 'acme/greet@volatile': { version: '../..', sha256: 'x' } } };
  project.write('.ci.lock', JSON.stringify(bad));
  expect(await ci(project, ['lint'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('.ci.lock is no lock'),
  });
});

it('a token is shown to the server of the settings alone, and to no reader', async () => {
  using project = temporaryProject({ '.circleci/config.yml': config('2.0.0') });
  privates.add('acme/greet@2.0.0');
  const without = await ci(project, ['fetch']);
  expect([without.exitCode, without.stderr]).toEqual([4, expect.stringContaining('knows no orb `acme/greet@2.0.0`')]);
  const ran = await ci(project, ['run', '--reporter', 'plain', '-j', '1']);
  expect([ran.exitCode, ran.stdout]).toEqual([1, expect.stringMatching(/main\/a +> ✗[\s\S]*main\/b +> ✓/)]);
  expect(ran.stdout).toContain('acme/greet@2.0.0');
  const env = { CIRCLECI_CLI_TOKEN: tokenOfUser };
  const withToken = await ci(project, ['fetch', '--format', 'json', '--lock'], env);
  expect(withToken.exitCode, withToken.stderr).toBe(0);
  expect(asked.at(-1)!.token).toBe(tokenOfUser);
  expect(withToken.stdout + withToken.stderr).not.toContain(tokenOfUser);
  for (const place of [project.root, project.home]) {
    expect(spawnSync('grep', ['-rl', tokenOfUser, place], { encoding: 'utf8' }).stdout).toBe('');
  }
  rmSync(join(project.home, 'cache'), { recursive: true, force: true });
  mkdirSync(join(project.home, 'config'), { recursive: true });
  writeFileSync(join(project.home, 'config/config.toml'), `[tokens]\n"${new URL(url).host}" = "${tokenOfUser}"\n`);
  misbehave = 'redirect';
  const moved = await ci(project, ['fetch']);
  expect([moved.exitCode, moved.stderr]).toEqual([4, expect.stringContaining('it was redirected')]);
  expect(asked.at(-1)!.token).toBe(tokenOfUser);
});

it('a registry that is not there, or answers nonsense, costs only the jobs that need it', async () => {
  using project = temporaryProject({ '.circleci/config.yml': config('1.2') });
  for (const [way, why] of [
    ['no json', 'its answer is no JSON'],
    ['error', ': broken [31m'],
    ['unavailable', 'the server answered 401'],
  ] as const) {
    misbehave = way;
    const result = await ci(project, ['run', '--reporter', 'plain', 'main/b']);
    expect([result.exitCode, result.stderr]).toEqual([0, expect.stringContaining(why)]);
  }
  misbehave = undefined;
  const away = await ci(project, ['run', '--reporter', 'plain', 'main/b'], { CI_CLI_CIRCLECI_URL: 'registry.invalid' });
  expect([away.exitCode, away.stderr]).toEqual([0, expect.stringContaining('the name of the server is not known')]);
  asked.length = 0;
  const offline = await ci(project, ['run', '--offline', 'main/b']);
  expect([offline.exitCode, references()]).toEqual([0, []]);
  // What was fetched is used, however old, where nobody answers; a full version is not even asked for again.
  expect((await ci(project, ['fetch'])).exitCode).toBe(0);
  misbehave = 'no json';
  asked.length = 0;
  const kept = await ci(project, ['fetch', '--update']);
  expect([kept.exitCode, kept.stderr]).toEqual([
    0,
    expect.stringMatching(/the last copy of the orb acme\/greet@1\.2 \(1\.2\.0\)/),
  ]);
});

it('`ci fetch --vendor` puts them into the repository, and nowhere else', async () => {
  using project = temporaryProject({ '.circleci/config.yml': config('1') });
  const made = await ci(project, ['fetch', '--vendor']);
  expect(made.stderr).toContain('wrote .circleci/orbs/acme/greet@1.yml');
  rmSync(join(project.home, 'cache'), { recursive: true, force: true });
  asked.length = 0;
  const ran = await ci(project, ['run', '--reporter', 'plain', 'main/a']);
  expect([ran.exitCode, references()]).toEqual([0, []]);
  expect(ran.stdout).toContain('hello of 1.10.1');
  rmSync(join(project.root, '.circleci/orbs'), { recursive: true });
  symlinkSync(project.home, join(project.root, '.circleci/orbs'));
  const led = await ci(project, ['fetch', '--vendor']);
  expect([led.exitCode, existsSync(join(project.home, 'acme'))]).toEqual([2, false]);
});

it('an orb may be a file at an address, of a host that may be asked', async () => {
  published.set('orb.yml', greet('no version'));
  using project = temporaryProject({ '.circleci/config.yml': config('1').replace('acme/greet@1', `${url}/orb.yml`) });
  const refused = await ci(project, ['run', 'main/b']);
  expect(refused.stderr).toContain('no address of the public internet');
  expect(refused.exitCode).toBe(0);
  const ran = await ci(project, ['run', '--allow-private-includes', '127.0.0.1', '--reporter', 'plain', 'main/a']);
  expect([ran.exitCode, ran.stdout]).toEqual([0, expect.stringContaining('hello of no version')]);
});
