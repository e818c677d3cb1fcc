import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { CredentialHelpers } from '../../../src/executors/docker/credential-helper.ts';
import { readImageName } from '../../../src/executors/docker/image-name.ts';
import { findLogin, secretsOf } from '../../../src/executors/docker/registry-auth.ts';
import type { RegistryCredentials } from '../../../src/model/job-spec.ts';
import { removeTree } from '../../../src/util/files/remove-tree.ts';

const place = mkdtempSync(join(tmpdir(), 'ci-auth-'));
const auth = (text: string): { auth: string } => ({ auth: Buffer.from(text).toString('base64') });
const path = `${place}:/usr/bin:/bin`;

afterAll(() => removeTree(place));
beforeEach(() => rmSync(join(place, 'config.json'), { force: true }));

interface Given {
  readonly config?: unknown;
  readonly user?: unknown;
  readonly job?: unknown;
  readonly sent?: readonly RegistryCredentials[];
  readonly helpers?: CredentialHelpers;
}

const helpersOf = (timeoutMs = 20_000): CredentialHelpers => new CredentialHelpers({ env: { PATH: path }, timeoutMs });
const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

async function loginFor(image: string, { config, user, job, sent, helpers = helpersOf() }: Given) {
  if (config !== undefined) writeFileSync(join(place, 'config.json'), text(config));
  const warnings: string[] = [];
  const login = await findLogin(
    readImageName(image),
    { configDirectory: place, helpers, ...(user === undefined ? {} : { authConfig: text(user) }) },
    {
      warn: (line) => warnings.push(line),
      ...(job === undefined ? {} : { authConfig: text(job) }),
      ...(sent === undefined ? {} : { credentials: sent }),
    },
  );
  return { login, warnings };
}

const userOf = async (image: string, given: Given): Promise<string | undefined> =>
  (await loginFor(image, given)).login?.auth.username;

/** A program of the user's. */
function helper(name: string, script: string): void {
  const file = join(place, `docker-credential-${name}`);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

describe("a job's credentials", () => {
  const sent = [
    { registry: 'registry.example.com', username: 'sent', password: 'a' },
    { registry: 'gitlab.example.com:443/group/dependency_proxy/containers', username: 'proxy', password: 'b' },
    { registry: '__proto__', username: 'odd', password: 'c' },
  ];

  it('count where nothing else has a login for the path', async () => {
    expect(await userOf('registry.example.com/app', { sent })).toBe('sent');
    expect(await userOf('gitlab.example.com:443/group/dependency_proxy/containers/alpine', { sent })).toBe('proxy');
    expect(await userOf('gitlab.example.com:443/other/alpine', { sent })).toBeUndefined();
    expect(await userOf('debian', { sent })).toBeUndefined();
  });

  it.each(['config', 'user', 'job'] as const)('come after those of the %s', async (from) => {
    const own = { auths: { 'registry.example.com': auth('own:x') } };
    expect(await userOf('registry.example.com/app', { sent, [from]: own })).toBe('own');
  });
});

describe('a login', () => {
  const config = {
    auths: {
      'https://index.docker.io/v1/': auth('hub:one'),
      'registry.example.com': auth('host:two:2'),
      'registry.example.com/group': auth('group:three'),
      'https://other.example.com:5000/v2/': auth('port:four'),
      'plain.example.com': { username: 'plain', password: 'five' },
      'token.example.com': { identitytoken: 'six' },
      'broken.example.com': { auth: 'bm9jb2xvbg==' },
    },
  };

  it.each([
    ['node:20', 'hub'],
    ['group/app', 'hub'],
    ['registry.example.com/a/b:1', 'host'],
    ['registry.example.com/group/b@sha256:0123456789abcdef0123456789abcdef', 'group'],
    ['REGISTRY.example.com/group/sub/b', 'group'],
    ['registry.example.com/groups/b', 'host'],
    ['other.example.com:5000/a', 'port'],
    ['plain.example.com/a', 'plain'],
    ['registry.example.com.evil/b', undefined],
    ['other.example.com/group/b', undefined],
    ['broken.example.com/a', undefined],
  ])('for %s is that of %s: the longest path', async (image, user) => {
    expect(await userOf(image, { config })).toBe(user);
  });

  it('keeps colons of passwords, and may be a token', async () => {
    expect((await loginFor('registry.example.com/a', { config })).login).toEqual({
      auth: { username: 'host', password: 'two:2', serveraddress: 'registry.example.com' },
      source: join(place, 'config.json'),
    });
    const { login } = await loginFor('token.example.com/a', { config });
    expect(login?.auth).toEqual({ identitytoken: 'six', serveraddress: 'token.example.com' });
    expect(secretsOf(login!)).toEqual(['six']);
  });

  it("is the job's before the user's variable before the file, for one path; a longer path wins over all", async () => {
    const [file, user, job] = ['file', 'user', 'job'].map((name) => ({
      auths: { 'r.example.com': auth(`${name}:x`) },
    }));
    const longer = { auths: { 'r.example.com/group': auth('longer:x') } };
    expect(await userOf('r.example.com/a', { config: file, user, job })).toBe('job');
    expect(await userOf('r.example.com/a', { config: file, user })).toBe('user');
    expect(await userOf('r.example.com/a', { config: file })).toBe('file');
    expect(await userOf('r.example.com/group/a', { config: longer, user, job })).toBe('longer');
    expect(await userOf('r.example.com/groups/a', { config: longer, user, job })).toBe('job');
  });

  it('is not taken from what is no JSON, of which nothing is shown', async () => {
    const given = { config: 'canary{', user: '["canary"]', job: 'canary' };
    const { login, warnings } = await loginFor('r.example.com/a', given);
    expect(login).toBeUndefined();
    expect(warnings).toHaveLength(3);
    expect(warnings.join()).not.toContain('canary');
    expect(warnings[2]).toContain(join(place, 'config.json'));
  });
});

describe('a credential helper', () => {
  const log = join(place, 'asked');
  const asked = (): readonly string[] => readFileSync(log, 'utf8').split('\n').filter(Boolean);
  beforeEach(() => {
    rmSync(log, { force: true });
    const answer = '{"ServerURL":"%s","Username":"%s","Secret":"canary-%s"}';
    const say = (user: string): string => `printf '${answer}' "$server" ${user} "$server"`;
    const hear = `server=$(cat); printf '%s %s\\n' "$1" "$server" >>'${log}'`;
    helper('good', `${hear}\n${say('helped')}`);
    helper('token', `${hear}\n${say("'<token>'")}`);
    helper('empty', 'cat >/dev/null; echo "credentials not found in native keychain"; exit 1');
    helper('fails', 'cat >/dev/null; echo "the vault is sealed"; exit 3');
    helper('leaks', `cat >/dev/null; echo '{"Secret":"canary"}'; exit 3`);
    helper('noise', 'cat >/dev/null; echo hello canary');
    helper('hangs', 'exec sleep 600');
  });

  it('is asked with the name that the configuration has for the registry', async () => {
    const config = { credHelpers: { 'r.example.com': 'good' }, auths: { 'r.example.com': auth('written:x') } };
    const { login } = await loginFor('r.example.com/group/a:1', { config });
    expect(login?.auth).toEqual({
      username: 'helped',
      password: 'canary-r.example.com',
      serveraddress: 'r.example.com',
    });
    expect(asked()).toEqual(['get r.example.com']);
  });

  it('gives tokens in place of passwords', async () => {
    const { login } = await loginFor('r.example.com/a', { user: { credHelpers: { 'r.example.com': 'token' } } });
    expect(login).toEqual({
      auth: { identitytoken: 'canary-r.example.com', serveraddress: 'r.example.com' },
      source: 'DOCKER_AUTH_CONFIG',
    });
  });

  it('may keep all logins; one for the registry alone comes first', async () => {
    const config = {
      credsStore: 'good',
      credHelpers: { 'other.example.com': 'token' },
      auths: { 'https://index.docker.io/v1/': {}, 'r.example.com/group': {} },
    };
    expect(await userOf('node', { config })).toBe('helped');
    expect(await userOf('r.example.com/group/a', { config })).toBe('helped');
    expect(await userOf('new.example.com/a', { config })).toBe('helped');
    expect((await loginFor('other.example.com/a', { config })).login?.auth.identitytoken).toBeDefined();
    expect(asked()).toEqual([
      'get https://index.docker.io/v1/',
      'get r.example.com/group',
      'get new.example.com',
      'get other.example.com',
    ]);
  });

  it.each([
    ['missing', /docker-credential-missing is not in PATH/],
    ['fails', /docker-credential-fails failed \(exit code 3\): the vault is sealed;/],
    ['leaks', /docker-credential-leaks failed \(exit code 3\);/],
    ['noise', /did not print what Docker's helpers print/],
    ['../../evil', /no name of a credential helper/],
  ])('that can not answer (%s) is warned of, and the next login is taken', async (name, warning) => {
    const config = { credHelpers: { 'r.example.com': name }, auths: { 'r.example.com': auth('written:x') } };
    const { login, warnings } = await loginFor('r.example.com/a', { config });
    expect(login?.auth.username).toBe('written');
    expect(warnings).toEqual([expect.stringMatching(warning)]);
    expect(warnings.join()).not.toContain('canary');
  });

  it('that takes too long is ended', async () => {
    const config = { credsStore: 'hangs' };
    const { login, warnings } = await loginFor('r.example.com/a', { config, helpers: helpersOf(200) });
    expect(login).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining('did not answer in 0.2 s')]);
  });

  it('that knows no login is no failure', async () => {
    const config = { credsStore: 'empty', auths: { 'r.example.com': auth('written:x') } };
    expect(await loginFor('r.example.com/a', { config })).toMatchObject({
      warnings: [],
      login: { auth: { username: 'written' } },
    });
  });

  it('is asked once for jobs that want the same, and anew when its login was refused', async () => {
    const given = { config: { credsStore: 'good' }, helpers: helpersOf() };
    await Promise.all([1, 2, 3].map(() => userOf('r.example.com/a', given)));
    await userOf('r.example.com/b', given);
    expect(asked()).toHaveLength(1);
    given.helpers.forget();
    await userOf('r.example.com/a', given);
    expect(asked()).toHaveLength(2);
  });

  it("is never run because a job's variable says so", async () => {
    const job = {
      credsStore: 'good',
      credHelpers: { 'r.example.com': 'good' },
      auths: { 'r.example.com': auth('job:x') },
    };
    const { login, warnings } = await loginFor('r.example.com/a', { job });
    expect(login?.auth.username).toBe('job');
    expect(warnings).toEqual([expect.stringContaining('is not run for a job')]);
    expect(() => asked()).toThrow();
  });
});
