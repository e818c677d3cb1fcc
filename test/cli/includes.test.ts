import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type GitServer, startGitServer } from '../support/git-server.ts';
import { type CiResult, runCi } from '../support/run-ci.ts';
import { type TemporaryProject, temporaryProject } from '../support/temporary-project.ts';

let folder: string;
let server: GitServer;
let templates: TemporaryProject;
let project: TemporaryProject;

function publish(): void {
  templates.git('push', '-q', '--mirror', join(folder, 'group/templates.git'));
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ci-git-server-'));
  server = await startGitServer(folder);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(() => {
  server.asked.length = 0;
  server.login = undefined;
  server.raw.clear();
  templates = temporaryProject({
    'ci/build.yml': 'include: /ci/deep/*.yml\nbuild: { extends: .deep }\n',
    'ci/deep/a.yml': '.deep: { script: [echo deep a] }\n',
    'ci/test.yml': 'test: { script: [echo test v1] }\n',
    'templates/lint.yml': 'lint: { script: [echo lint 1.0.0] }\n',
    'ci/rules.yml':
      'include:\n  - { local: ci/test.yml, rules: [{ exists: [large.bin] }] }\n  - { local: ci/build.yml, rules: [{ exists: [.gitlab-ci.yml] }] }\n',
    'large.bin': 'x'.repeat(100_000),
  });
  templates.git('tag', '-a', '-m', 'first', '1.0.0');
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', join(folder, 'group/templates.git')]);
  publish();
  project = temporaryProject({ '.gitlab-ci.yml': '' });
  project.git('remote', 'add', 'origin', `http://${server.host}/group/app.git`);
});

afterEach(() => {
  templates[Symbol.dispose]();
  project[Symbol.dispose]();
  rmSync(join(folder, 'group'), { recursive: true, force: true });
});

function ci(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CiResult> {
  const allowed = { CI_CLI_ALLOW_PRIVATE_INCLUDES: '127.0.0.1' };
  return runCi(args, { cwd: project.root, home: project.home, env: { ...allowed, ...env } });
}

async function jobs(args: readonly string[] = []): Promise<readonly string[]> {
  const { stdout, stderr } = await ci(['list', '--format', 'json', ...args]);
  expect(stderr).toBe('');
  return (JSON.parse(stdout) as { jobs: { name: string }[] }).jobs.map(({ name }) => name);
}

const fromProject = (ref = ''): string =>
  `include:\n  - project: group/templates\n    file: [ci/build.yml, /ci/test.yml]\n${ref}`;

describe('include:project from a git server', () => {
  it('is fetched once for all files, and then read without the network', async () => {
    project.write('.gitlab-ci.yml', fromProject());
    const before = await ci(['lint']);
    expect(before.stdout).toContain('[gitlab/include-not-read]');
    expect(before.stdout).toContain('`ci fetch` reads it');
    expect(server.asked).toEqual([]);

    const run = await ci(['run', '--reporter', 'plain']);
    expect(run.stdout).toContain('deep a');
    expect(run.exitCode).toBe(0);
    // Two commands of git's protocol need a look at the refs first: for refs, trees and files.
    const calls = server.asked.filter((path) => path.endsWith('/git-upload-pack'));
    expect(calls.length).toBeLessThanOrEqual(6);
    server.asked.length = 0;

    expect(await jobs()).toEqual(['build', 'test']);
    for (const args of [['lint'], ['plan'], ['graph'], ['explain', 'build'], ['config'], ['run', '--offline']]) {
      expect([args, (await ci(args)).exitCode]).toEqual([args, 0]);
    }
    expect(server.asked).toEqual([]);
    // What is large and no pipeline file is not fetched.
    const kept = readdirSync(join(project.home, 'cache/includes/content'), { recursive: true }) as string[];
    expect(kept.length).toBeGreaterThan(0);
    expect(readdirSync(join(project.home, 'cache/includes/fetching'))).toEqual([]);
  });

  it('takes tags, branches and commits, and names what is not there', async () => {
    templates.write('ci/test.yml', 'test: { script: [echo test v2] }\n');
    templates.git('commit', '-qam', 'second');
    templates.git('branch', 'feature/x');
    publish();
    const old = templates.git('rev-parse', '1.0.0^{commit}');
    for (const [ref, text] of [
      ['1.0.0', 'v1'],
      ['feature/x', 'v2'],
      [old, 'v1'],
    ]) {
      project.write('.gitlab-ci.yml', fromProject(`    ref: ${ref}\n`));
      expect((await ci(['fetch'])).stderr).toBe('');
      expect((await ci(['config'])).stdout).toContain(`echo test ${text}`);
    }
    project.write('.gitlab-ci.yml', fromProject('    ref: nope\n'));
    const wrongRef = await ci(['fetch']);
    expect(wrongRef.exitCode).toBe(3);
    expect(wrongRef.stderr).toContain('project group/templates: ci/build.yml at nope');
    project.write('.gitlab-ci.yml', 'include: { project: group/templates, file: none.yml }\n');
    const noFile = await ci(['fetch']);
    expect([noFile.exitCode, noFile.stderr.includes('[gitlab/include-not-found]')]).toEqual([3, true]);
  });

  it('is what rules in its files look at, and what `exists:project` does', async () => {
    const rules = 'rules: [{ exists: { paths: [large.bin], project: group/templates } }]';
    const include = 'include: { project: group/templates, file: ci/rules.yml }\n';
    project.write('.gitlab-ci.yml', `${include}own: { script: [make], ${rules} }\n`);
    await ci(['fetch']);
    const { stdout } = await ci(['list', '--format', 'json']);
    const listed = (JSON.parse(stdout) as { jobs: { name: string; included: boolean }[] }).jobs;
    expect(listed.map(({ name, included }) => [name, included])).toEqual([
      ['test', true],
      ['own', true],
    ]);
  });

  it('asks again for what may have changed only when told to, or after a while', async () => {
    project.write('.gitlab-ci.yml', fromProject());
    await ci(['fetch']);
    templates.write('ci/test.yml', 'test: { script: [echo test v2] }\n');
    templates.git('commit', '-qam', 'second');
    publish();
    await ci(['fetch']);
    expect((await ci(['config'])).stdout).toContain('test v1');
    await ci(['fetch', '--update']);
    expect((await ci(['config'])).stdout).toContain('test v2');
  });

  it('shows a token to the server that it is for, and to no other', async () => {
    server.login = 'oauth2:secret-token-1';
    project.write('.gitlab-ci.yml', fromProject());
    const without = await ci(['fetch']);
    expect(without.exitCode).toBe(4);
    expect(without.stderr).toContain('[gitlab/include-not-fetched]');
    expect(without.stderr).toContain(`GITLAB_HOST=${server.host}`);
    expect(without.stderr).toContain('--project group/templates=PATH');
    const other = await ci(['fetch'], { GITLAB_TOKEN: 'secret-token-1' });
    expect(other.exitCode).toBe(4);
    const right = await ci(['fetch'], { GITLAB_TOKEN: 'secret-token-1', GITLAB_HOST: server.host });
    expect(right.stderr).toBe('');
    expect(right.stdout + right.stderr).not.toContain('secret-token-1');
    rmSync(project.home, { recursive: true });
    server.login = 'gitlab-ci-token:job-token';
    const job = await ci(['fetch'], { CI_JOB_TOKEN: 'job-token', CI_SERVER_FQDN: server.host });
    expect(job.stderr).toBe('');
  });

  it("takes a token from the user's settings, never from the repository's", async () => {
    server.login = 'oauth2:secret-token-2';
    project.write('.gitlab-ci.yml', fromProject());
    const table = `[tokens]\n"${server.host}" = "secret-token-2"\n`;
    project.write('.ci.toml', table);
    const fromRepository = await ci(['fetch']);
    expect(fromRepository.exitCode).toBe(4);
    expect(fromRepository.stderr).not.toContain('secret-token-2');
    execFileSync('mkdir', ['-p', join(project.home, 'config')]);
    writeFileSync(join(project.home, 'config/config.toml'), table);
    rmSync(join(project.root, '.ci.toml'));
    expect((await ci(['fetch'])).stderr).toBe('');
  });

  it('says what to do where no server is known', async () => {
    project.git('remote', 'remove', 'origin');
    project.write('.gitlab-ci.yml', fromProject());
    const { exitCode, stderr } = await ci(['run']);
    expect(exitCode).toBe(4);
    expect(stderr).toContain('`gitlab-url`');
    const offline = await ci(['run', '--offline']);
    expect(offline.stderr).toContain('[gitlab/include-not-read]');
    const set = await ci(['fetch'], { CI_CLI_GITLAB_URL: `http://${server.host}` });
    expect(set.stderr).toBe('');
  });

  it('is not run from a poisoned repository', async () => {
    const marker = join(folder, 'poisoned');
    for (const key of ['core.sshCommand', 'core.gitProxy', 'credential.helper', 'core.askPass']) {
      project.git('config', key, `!touch ${marker}`);
    }
    project.git('config', `url.ext::sh -c "touch ${marker}" .insteadOf`, `http://${server.host}/`);
    server.login = 'somebody:else';
    project.write('.gitlab-ci.yml', fromProject());
    expect((await ci(['fetch'])).exitCode).toBe(4);
    expect(existsSync(marker)).toBe(false);
  });
});

describe('include:component from a git server', () => {
  it('chooses versions by the tags of the server', async () => {
    templates.write('templates/lint.yml', 'lint: { script: [echo lint 1.4.0] }\n');
    templates.git('commit', '-qam', '1.4.0');
    templates.git('tag', '1.4.0');
    templates.git('tag', '2.0.0-rc1');
    publish();
    for (const [version, text] of [
      ['1.0.0', 'lint 1.0.0'],
      ['1', 'lint 1.4.0'],
      ['1.0', 'lint 1.0.0'],
      ['~latest', 'lint 1.4.0'],
      ['main', 'lint 1.4.0'],
      [templates.git('rev-parse', '1.0.0^{commit}'), 'lint 1.0.0'],
    ]) {
      project.write('.gitlab-ci.yml', `include:\n  - component: $CI_SERVER_FQDN/group/templates/lint@${version}\n`);
      const fetched = await ci(['fetch']);
      expect([version, fetched.stderr]).toEqual([version, '']);
      expect((await ci(['config'])).stdout).toContain(text);
    }
  });

  it('of another host is only fetched from public addresses', async () => {
    project.write('.gitlab-ci.yml', 'include:\n  - component: 127.0.0.1:9/group/templates/lint@1.0.0\n');
    const { exitCode, stderr } = await ci(['fetch'], { CI_CLI_ALLOW_PRIVATE_INCLUDES: '10.0.0.0/8' });
    expect(stderr).toContain('[gitlab/include-refused]');
    expect(exitCode).toBe(3);
  });
});

describe('include:remote', () => {
  const url = (name: string): string => `http://${server.host}/raw/${name}`;

  it('is fetched, kept, and read again without the network', async () => {
    server.raw.set('a.yml', 'a: { script: [echo remote a] }\n');
    project.write('.gitlab-ci.yml', `include: ${url('a.yml')}\n`);
    expect((await ci(['run', '--reporter', 'plain'])).stdout).toContain('remote a');
    expect(server.asked).toEqual(['/raw/a.yml']);
    expect(await jobs()).toEqual(['a']);
    expect((await ci(['run'], { CI_CLI_ALLOW_PRIVATE_INCLUDES: '' })).exitCode).toBe(0);
    const args = ['fetch', '--update', '--allow-private-includes', server.host.split(':')[0]!];
    expect((await ci(args, { CI_CLI_ALLOW_PRIVATE_INCLUDES: '' })).stderr).toBe('');
    expect(server.asked.splice(1)).toEqual(['/raw/a.yml']);
    expect(server.asked).toEqual(['/raw/a.yml']);
  });

  it('must have the checksum that the include names', async () => {
    const text = 'a: { script: [echo a] }\n';
    const integrity = createHash('sha256').update(text).digest('base64');
    server.raw.set('a.yml', text);
    project.write('.gitlab-ci.yml', `include:\n  - remote: ${url('a.yml')}\n    integrity: sha256-${integrity}\n`);
    expect((await ci(['fetch'])).stderr).toBe('');
    server.raw.set('a.yml', 'a: { script: [rm -rf /] }\n');
    const changed = await ci(['fetch', '--update']);
    expect([changed.exitCode, changed.stderr.includes('[gitlab/include-refused]')]).toEqual([3, true]);
    // The copy that was right stays.
    expect((await ci(['config'])).stdout).toContain('echo a');
  });

  it('can include others by address, and no local files', async () => {
    server.raw.set('a.yml', `include: [${url('b.yml')}]\na: { script: [echo a] }\n`);
    server.raw.set('b.yml', 'b: { script: [echo b] }\n');
    project.write('.gitlab-ci.yml', `include: ${url('a.yml')}\n`);
    expect((await ci(['fetch'])).stderr).toBe('');
    expect(await jobs()).toEqual(['b', 'a']);
    server.raw.set('a.yml', 'include: ci/local.yml\n');
    const local = await ci(['fetch', '--update']);
    expect(local.stderr).toContain('[gitlab/include-without-project]');
    // The line of a file that lies elsewhere is shown.
    expect(local.stderr).toContain('include: ci/local.yml');
  });

  it('is refused at other addresses, by redirects too', async () => {
    const cases = ['http://example.com/a.yml', 'https://127.0.0.1/a.yml', 'https://[::ffff:127.0.0.1]/a.yml'];
    server.raw.set('to-metadata.yml', (_, response) =>
      response.writeHead(302, { location: 'http://169.254.169.254/a.yml' }).end(),
    );
    for (const address of [...cases, url('to-metadata.yml')]) {
      project.write('.gitlab-ci.yml', `include: "${address}"\n`);
      const env = address === url('to-metadata.yml') ? {} : { CI_CLI_ALLOW_PRIVATE_INCLUDES: '10.0.0.0/8' };
      const { exitCode, stderr } = await ci(['fetch'], env);
      expect([address, exitCode, stderr.includes('[gitlab/include-refused]')]).toEqual([address, 3, true]);
    }
  });

  it('names what a server says instead', async () => {
    server.raw.set('login.yml', (_, response) =>
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>'),
    );
    server.raw.set('private.yml', (_, response) => response.writeHead(403).end());
    const said = async (name: string): Promise<readonly [number | null, string]> => {
      project.write('.gitlab-ci.yml', `include: ${url(name)}\nown: { script: [make] }\n`);
      const { exitCode, stderr } = await ci(['fetch']);
      return [exitCode, /\[(gitlab\/[\w-]+)\]/.exec(stderr)?.[1] ?? ''];
    };
    expect(await said('none.yml')).toEqual([3, 'gitlab/include-not-found']);
    expect(await said('login.yml')).toEqual([4, 'gitlab/include-not-fetched']);
    expect(await said('private.yml')).toEqual([4, 'gitlab/include-not-fetched']);
  });
});

describe('the lock file', () => {
  it('is written when asked, and holds what is read to its state', async () => {
    server.raw.set('a.yml', 'a: { script: [echo remote v1] }\n');
    const component = `  - component: $CI_SERVER_FQDN/group/templates/lint@~latest\n`;
    project.write('.gitlab-ci.yml', `${fromProject()}  - http://${server.host}/raw/a.yml\n${component}`);
    await ci(['fetch']);
    expect(existsSync(join(project.root, '.ci.lock'))).toBe(false);
    expect((await ci(['fetch', '--lock'])).stderr).toBe('ci: wrote .ci.lock\n');
    const sha = templates.git('rev-parse', 'main');
    const lock = JSON.parse(readFileSync(join(project.root, '.ci.lock'), 'utf8'));
    expect(lock.projects).toEqual({
      [`${server.host}/group/templates@HEAD`]: { sha },
      [`${server.host}/group/templates@~latest`]: { sha, version: '1.0.0' },
    });

    server.raw.set('a.yml', 'a: { script: [echo remote v2] }\n');
    templates.write('ci/test.yml', 'test: { script: [echo test v2] }\n');
    templates.git('commit', '-qam', '1.1.0');
    templates.git('tag', '1.1.0');
    publish();
    rmSync(project.home, { recursive: true });
    const changed = await ci(['fetch']);
    expect(changed.stderr).toContain('not the file that .ci.lock names');
    expect(changed.exitCode).toBe(3);
    server.raw.set('a.yml', 'a: { script: [echo remote v1] }\n');
    expect((await ci(['fetch'])).stderr).toBe('');
    const { stdout } = await ci(['config']);
    expect(stdout).toContain('test v1');

    server.raw.set('a.yml', 'a: { script: [echo remote v2] }\n');
    await ci(['fetch', '--update']);
    const updated = await ci(['config']);
    expect(updated.stdout).toContain('test v2');
    expect(updated.stdout).toContain('remote v2');
    expect(readFileSync(join(project.root, '.ci.lock'), 'utf8')).toContain('"version": "1.1.0"');
  });

  it('that is none is wrong usage', async () => {
    project.write('.gitlab-ci.yml', fromProject());
    project.write('.ci.lock', '{"schema": "other"}');
    const { exitCode, stderr } = await ci(['lint']);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('.ci.lock is no lock file')]);
  });
});
