import { createPublicKey, verify } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CiOptions, readEvents, runCi } from '../support/run-ci.ts';
import { type TemporaryProject, temporaryProject } from '../support/temporary-project.ts';

async function run(project: TemporaryProject, args: readonly string[] = [], options: Partial<CiOptions> = {}) {
  const where = { cwd: project.root, home: project.home, ...options };
  const result = await runCi(['run', '--reporter', 'json', ...args], where);
  const events = readEvents(result.stdout);
  const finished = events.filter(({ type }) => type === 'job-finished');
  const outputOf = (job: string): string =>
    events
      .filter((event) => event.type === 'job-output' && event.job === job)
      .map((event) => String(event['text']).replaceAll(/\x1b\[[0-9;]*[mK]/g, ''))
      .join('');
  return { ...result, events, outputOf, jobs: Object.fromEntries(finished.map((event) => [event.job, event])) };
}

describe('what a server would keep note of', () => {
  const file = `
deploy:
  script: [echo HOST=h1.example.test > deploy.env]
  artifacts: { reports: { dotenv: deploy.env } }
  environment:
    name: review/$CI_COMMIT_BRANCH
    url: https://$HOST/$CI_ENVIRONMENT_SLUG
    on_stop: stop
    auto_stop_in: 1 week
stop:
  script: [echo gone]
  when: manual
  environment: { name: review/$CI_COMMIT_BRANCH, action: stop }
release:
  script: [echo "# News" > notes.md]
  variables: { VERSION: '1.2' }
  release:
    tag_name: v$VERSION
    name: Release $VERSION
    description: notes.md
    assets: { links: [{ name: zip, url: 'https://example.test/$VERSION.zip', link_type: package }] }
site:
  script: [mkdir dist, echo hello > dist/index.html]
  pages: { publish: dist, path_prefix: mr-$CI_PIPELINE_ID }
`;

  it('is in the events and the summary; nothing is done', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': file });
    const { jobs, exitCode, stderr } = await run(project);
    expect(exitCode, stderr).toBe(0);
    expect(stderr).not.toContain('warning');
    expect(jobs['deploy']?.['deployment']).toEqual({
      ...{ environment: 'review/main', state: 'started', tier: 'development', onStop: 'stop', autoStopIn: '1 week' },
      url: expect.stringMatching(/^https:\/\/h1\.example\.test\/review-main-[a-z0-9]{6}$/),
    });
    expect(jobs['release']?.['release']).toMatchObject({
      ...{ tagName: 'v1.2', name: 'Release 1.2', description: '# News\n' },
      links: [{ name: 'zip', url: 'https://example.test/1.2.zip', linkType: 'package' }],
    });
    const pages = jobs['site']?.['pages'] as { readonly path: string };
    expect(pages).toMatchObject({ publish: 'dist', pathPrefix: 'mr-1' });
    expect(readFileSync(join(pages.path, 'index.html'), 'utf8')).toBe('hello\n');
    const plain = await runCi(['run', '--reporter', 'plain', '--manual', 'stop'], {
      cwd: project.root,
      home: project.home,
    });
    expect(plain.stdout).toMatch(
      /▲ environment review\/main https:\/\/h1\S+: started by deploy, stop stops it, a server/,
    );
    expect(plain.stdout).toContain('▲ environment review/main: stopped by stop');
    expect(plain.stdout).toContain('▲ release Release 1.2 (tag v1.2): not made');
    expect(plain.stdout).toContain('▲ pages at /mr-2: not published, site left the site in /');
  });
});

describe('secrets', () => {
  const file = `
use:
  script: ['test -f "$PASSWORD"', 'cat "$PASSWORD"', 'echo "plain $TOKEN"']
  secrets:
    PASSWORD: { vault: ops/password@kv }
    TOKEN: { azure_key_vault: { name: token }, file: false }
`;

  it('are the user’s own variables: a file each unless told otherwise, masked', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': file });
    project.write('../vars', 'TOKEN=t0ken-value\n');
    const { exitCode, outputOf } = await run(project, ['--secret', 'PASSWORD', '--var-file', '../vars'], {
      env: { PASSWORD: 'p4ssword' },
    });
    expect(exitCode).toBe(0);
    expect(outputOf('use')).toContain('$ cat "$PASSWORD"\n[MASKED]$ echo "plain $TOKEN"\nplain [MASKED]\n');
  });

  it('that are missing are told before anything starts, and fail the job', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': file });
    const { exitCode, jobs, events, outputOf } = await run(project, ['--secret', 'TOKEN'], {
      env: { TOKEN: 'abcdef' },
    });
    expect(exitCode).toBe(1);
    expect(jobs['use']).toMatchObject({ status: 'failed', failureReason: 'secrets_provider_not_found' });
    const notice = events.find(({ type }) => type === 'notice')?.['message'];
    expect(notice).toMatch(/^use will fail: the secret PASSWORD \(vault\) has no value here/);
    expect(notice).toContain('--secret PASSWORD');
    expect(outputOf('use')).not.toContain('test -f');
    const plan = await runCi(['plan'], { cwd: project.root, home: project.home });
    expect(plan.stdout).toContain('notice: use will fail: the secrets PASSWORD (vault), TOKEN (azure_key_vault) have');
  });
});

describe('ID tokens', () => {
  const file = `
default:
  id_tokens:
    ONE: { aud: 'https://$WHERE' }
    TWO: { aud: [a, b] }
show:
  variables: { WHERE: one.example.test }
  environment: live
  script: ['printf %s "$ONE" > one', 'printf %s "$TWO" > two', 'echo "$ONE"']
  artifacts: { paths: [one, two] }
`;

  it('have GitLab’s claims and are signed by a key of this machine', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': file });
    const { exitCode, jobs, outputOf, stdout } = await run(project, ['--artifacts-dir', '../out']);
    expect(exitCode).toBe(0);
    expect(outputOf('show')).toContain('[MASKED]');
    expect(jobs['show']?.status).toBe('success');
    const read = (name: string): string => readFileSync(join(project.root, '../out/show', name), 'utf8');
    const [header = '', payload = '', signature = ''] = read('one').split('.');
    expect(stdout).not.toContain(payload);
    const parse = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString());
    const claims = parse(payload);
    expect(claims).toMatchObject({
      ...{ iss: 'https://local.pipewright.invalid', aud: 'https://one.example.test', ref: 'main', ref_type: 'branch' },
      ...{ ref_path: 'refs/heads/main', pipeline_source: 'push', environment: 'live', deployment_tier: 'production' },
      sub: `project_path:${claims.project_path}:ref_type:branch:ref:main`,
    });
    expect(claims.exp - claims.iat).toBe(3600);
    expect(parse(read('two').split('.')[1]!).aud).toEqual(['a', 'b']);
    const directory = join(project.home, 'state/id-tokens');
    const { keys } = JSON.parse(readFileSync(join(directory, 'jwks.json'), 'utf8'));
    expect(parse(header)).toEqual({ alg: 'RS256', typ: 'JWT', kid: keys[0].kid });
    const key = createPublicKey({ key: keys[0], format: 'jwk' });
    const text = Buffer.from(`${header}.${payload}`);
    expect(verify('sha256', text, key, Buffer.from(signature, 'base64url'))).toBe(true);
    expect(statSync(join(directory, 'key.pem')).mode & 0o777).toBe(0o600);
    expect(keys[0]).not.toHaveProperty('d');
  });

  it('give way to the user’s own variables of their names', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': file.replace('echo "$ONE"', 'test "$ONE" = mine-mine') });
    const secrets = ['--secret', 'ONE', '--secret', 'TWO'];
    const { exitCode, events } = await run(project, secrets, { env: { ONE: 'mine-mine', TWO: 'also-mine' } });
    expect(exitCode).toBe(0);
    expect(events.filter(({ type }) => type === 'notice')).toEqual([]);
    expect(existsSync(join(project.home, 'state/id-tokens'))).toBe(true);
  });
});

describe('hooks and steps', () => {
  it('run: the hook before the sources, each step in a shell of its own', async () => {
    using project = temporaryProject({
      'README.md': 'hello',
      '.gitlab-ci.yml': `
steps:
  hooks: { pre_get_sources_script: ['echo "hook sees $(ls | wc -l) files"'] }
  run:
    - name: first
      script: |
        X=1
        echo "first $WHO in $(ls)"
      env: { WHO: '$HOME' }
    - { name: second, script: 'echo "second ($X)"; false; echo never' }
    - { name: third, script: echo never }
  after_script: [echo after]
elsewhere:
  run: [{ name: far, func: 'registry.example.test/echo@v1' }]
`,
    });
    const { exitCode, jobs, outputOf } = await run(project);
    expect(exitCode).toBe(1);
    expect(jobs['steps']).toMatchObject({ status: 'failed', exitCode: 1 });
    const out = outputOf('steps');
    expect(out).toContain('hook sees 0 files');
    expect(out).toContain('first $HOME in README.md');
    expect(out).toContain('second ()');
    expect(out).not.toContain('never');
    expect(out).toContain('after');
    expect(jobs['elsewhere']).toMatchObject({ status: 'failed', failureReason: 'runner_unsupported' });
    expect(outputOf('elsewhere')).toContain('the step `far` of `run` is taken from `registry.example.test/echo@v1`');
  });
});
