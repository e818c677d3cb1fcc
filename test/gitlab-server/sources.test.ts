import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates } from './certificates.ts';
import { startGitlabServer } from './gitlab-server.ts';
import { api, raw } from './raw.ts';

describe('sources', () => {
  let folder: string;
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_GLOBAL: '/dev/null' },
    }).trim();

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'gitlab-server-test-'));
    git('init', '--quiet', '-b', 'main');
    writeFileSync(join(folder, 'file'), 'content\n');
    git('add', 'file');
    git('commit', '--quiet', '-m', 'first');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('are served under the token while the job runs, below /gitlab, by TLS', async () => {
    const { ca, server: tls } = makeCertificates();
    await using server = await startGitlabServer({ relativeUrl: '/gitlab/', tls });
    expect(server.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/gitlab$/);
    const project = server.addProject({ path: 'group/sub/project', repository: folder });
    const { token } = server.addRunner();
    server.addPipeline({ jobs: [{ name: 'one' }] }, project);
    const request = { json: { token, info: { features: { refspecs: true } } }, ca };
    const { json } = await raw(`${server.url}/api/v4/jobs/request`, 'POST', request);
    expect(json.git_info).toMatchObject({ sha: git('rev-parse', 'main'), ref: 'main' });
    expect(json.git_info.repo_url).toBe(
      server.url.replace('//', `//gitlab-ci-token:${json.token}@`) + '/group/sub/project.git',
    );
    writeFileSync(join(folder, 'ca.crt'), ca);
    const env = { ...process.env, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_GLOBAL: '/dev/null' };
    const fetch = (...specs: readonly string[]) =>
      promisify(execFile)('git', ['fetch', '--depth', '20', json.git_info.repo_url, ...specs], {
        cwd: folder,
        env: { ...env, GIT_SSL_CAINFO: join(folder, 'ca.crt') },
      });
    await fetch(...json.git_info.refspecs);
    expect(git('rev-parse', `refs/pipelines/${json.job_info.pipeline_id}`)).toBe(json.git_info.sha);
    server.cancel(server.job('one'), 'force');
    await expect(fetch('main')).rejects.toThrow(/Authentication failed|could not read Password|Access denied/);
  });

  it('are nobody’s without a token', async () => {
    await using server = await startGitlabServer();
    server.addProject({ repository: folder });
    const answer = await raw(`${server.url}/group/project.git/info/refs?service=git-upload-pack`, 'GET');
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Basic realm="GitLab"']);
  });
});

describe('TLS', () => {
  it('needs the authority, and a client’s certificate where that is asked for', async () => {
    const { ca, server: tls, client } = makeCertificates();
    await using server = await startGitlabServer({ tls: { ...tls, clientCa: ca } });
    const json = { token: server.addRunner().token };
    await expect(api(server, 'POST', 'runners/verify', { json, certificate: client })).rejects.toThrow(/certificate/);
    await expect(api(server, 'POST', 'runners/verify', { json, ca })).rejects.toThrow();
    expect((await api(server, 'POST', 'runners/verify', { json, ca, certificate: client })).status).toBe(200);
  });

  it('knows nothing above the path it is installed at', async () => {
    await using server = await startGitlabServer({ relativeUrl: '/gitlab' });
    const json = { token: server.addRunner().token };
    const origin = new URL(server.url).origin;
    expect((await raw(`${origin}/api/v4/runners/verify`, 'POST', { json })).status).toBe(404);
    expect((await raw(`${origin}/gitlabx/api/v4/runners/verify`, 'POST', { json })).status).toBe(404);
    expect((await api(server, 'POST', 'runners/verify', { json })).status).toBe(200);
  });
});
