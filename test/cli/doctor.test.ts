import { once } from 'node:events';
import { type FSWatcher, mkdirSync, readdirSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testEngine } from '../executors/support/engine.ts';
import { runCi } from '../support/run-ci.ts';
import { startCi } from '../support/running-ci.ts';
import { type TemporaryProject, temporaryProject } from '../support/temporary-project.ts';

const engine = await testEngine();

interface Told {
  readonly id: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly message: string;
  readonly fix?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

async function examine(project: TemporaryProject, env: Readonly<Record<string, string>> = {}) {
  const result = await runCi(['doctor', '--format', 'json'], { cwd: project.root, home: project.home, env });
  const document = JSON.parse(result.stdout) as { schema: string; status: string; checks: readonly Told[] };
  const check = (id: string): Told => document.checks.find((each) => each.id === id)!;
  return { ...result, document, check };
}

const inShell = { '.ci.yml': 'a: { script: [touch ran] }\n' };
const inContainers = { '.ci.yml': 'a: { image: ci-test/busybox, script: [touch ran] }\n' };
const nowhere = { DOCKER_HOST: 'unix:///none/docker.sock' };

function closing(watcher: FSWatcher): FSWatcher & Disposable {
  return Object.assign(watcher, { [Symbol.dispose]: () => watcher.close() });
}

describe('ci doctor', () => {
  it('tells of each thing how it is, runs nothing of the file and leaves nothing', async () => {
    using project = temporaryProject(inShell);
    const { document, check, exitCode } = await examine(project);
    expect(document.schema).toBe('ci/1');
    expect(document.checks.map(({ id }) => id)).toEqual([
      ...['pipeline', 'settings', 'node', 'git', 'shells', 'engine', 'logins', 'isolation'],
      ...['disk', 'leftovers', 'locks', 'network', 'terminal'],
    ]);
    for (const { id, status, fix } of document.checks) expect([id, fix !== undefined]).toEqual([id, status !== 'ok']);
    expect(exitCode).toBe(document.status === 'fail' ? 4 : 0);
    expect(check('pipeline').message).toBe('.ci.yml: 1 job in the shell, 0 in containers');
    expect(check('node').details).toMatchObject({ version: process.version });
    expect(check('git').message).toContain(project.root);
    expect(check('shells').details).toMatchObject({ sh: expect.stringMatching(/\/sh$/) });
    expect(check('terminal').message).toBe('not a terminal; without colour');
    expect(check('disk').message.split('\n')).toHaveLength(4);
    expect(readdirSync(project.root)).not.toContain('ran');
    expect(readdirSync(project.home)).toEqual([]);
  });

  it.skipIf(engine === undefined)('says what the engine is', async () => {
    using project = temporaryProject(inContainers);
    const { check } = await examine(project);
    expect(check('engine')).toMatchObject({
      status: expect.stringMatching(/ok|warn/),
      details: { name: 'Docker', isLocal: true, apiVersion: expect.stringMatching(/^1\./), cpus: expect.any(Number) },
    });
    expect(check('engine').details?.['attempts']).toContainEqual(
      expect.not.objectContaining({ problem: expect.anything() }),
    );
  });

  it('warns without an engine, and fails where jobs need one', async () => {
    using without = temporaryProject(inShell);
    const harmless = await examine(without, nowhere);
    expect(harmless.check('engine')).toMatchObject({
      status: 'warn',
      message: 'none answers\nunix:///none/docker.sock (DOCKER_HOST): not there',
    });
    expect([harmless.document.status, harmless.exitCode]).toEqual(['warn', 0]);
    using needed = temporaryProject(inContainers);
    const bad = await examine(needed, nowhere);
    expect(bad.check('engine')).toMatchObject({ status: 'fail', fix: expect.stringContaining('-e shell') });
    expect(bad.check('engine').message).toContain('a job of this pipeline runs in containers');
    expect(bad.exitCode).toBe(4);
    // The user has decided otherwise.
    expect((await examine(needed, { ...nowhere, CI_CLI_EXECUTOR: 'shell' })).check('engine').status).toBe('warn');
    const nonsense = await examine(needed, { DOCKER_HOST: 'npipe:////./pipe/docker_engine' });
    expect(nonsense.check('engine')).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('inside of WSL'),
    });
  });

  it('names logins and helpers that are missing, and no secret of any kind', async () => {
    using project = temporaryProject(inShell);
    const config = join(project.home, 'docker');
    mkdirSync(config);
    writeFileSync(
      join(config, 'config.json'),
      JSON.stringify({
        auths: { 'registry.example.test': { auth: Buffer.from('me:canary-1').toString('base64') } },
        credHelpers: { 'gcr.example.test': 'not-installed' },
      }),
    );
    const env = {
      ...nowhere,
      DOCKER_CONFIG: config,
      DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { 'other.example.test': { auth: 'canary-2' } } }),
      HTTPS_PROXY: 'http://me:canary-3@proxy.example.test:3128',
      HTTP_PROXY: 'me:canary-3/@x@proxy.example.test:3128',
      DOCKER_HOST: 'tcp://me:canary-4@127.0.0.1:1',
    };
    const { check, stdout, stderr } = await examine(project, env);
    expect(check('logins')).toMatchObject({
      status: 'warn',
      details: {
        registries: ['other.example.test', 'registry.example.test', 'gcr.example.test'],
        missing: ['docker-credential-not-installed'],
      },
    });
    expect(check('network').message).toContain('HTTPS_PROXY=http://***@proxy.example.test:3128');
    expect(check('network').message).toContain('HTTP_PROXY=***@proxy.example.test:3128');
    const text = await runCi(['doctor'], { cwd: project.root, home: project.home, env });
    for (const output of [stdout, stderr, text.stdout, text.stderr]) {
      expect(output).not.toMatch(/canary/);
      expect(output).not.toContain(Buffer.from('me:canary-1').toString('base64'));
    }
  });

  it('finds what is wrong with files of ours and certificates of others', async () => {
    using project = temporaryProject({ '.ci.yml': 'a: { nothing: here }\n', '.ci.toml': 'no-such-setting = 1\n' });
    const env = { ...nowhere, NODE_EXTRA_CA_CERTS: '/none/ca.pem', DOCKER_CONFIG: '/none' };
    const { check } = await examine(project, env);
    expect(check('pipeline')).toMatchObject({ status: 'warn', fix: '`ci lint` says why' });
    expect(check('settings')).toMatchObject({ status: 'warn', message: expect.stringContaining('no-such-setting') });
    expect(check('network')).toMatchObject({ status: 'warn', message: expect.stringContaining('/none/ca.pem') });
    mkdirSync(join(project.home, 'config'));
    writeFileSync(join(project.home, 'config/config.toml'), 'executor = ');
    const broken = await examine(project, env);
    expect(broken.check('settings')).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('no valid TOML'),
    });
    expect(broken.exitCode).toBe(4);
  });

  it('says where it can not write, and that git is missing', async () => {
    using project = temporaryProject(inShell);
    writeFileSync(join(project.home, 'state'), 'in the way');
    const { check, exitCode } = await examine(project, { ...nowhere, PATH: '/nonexistent' });
    expect(check('disk')).toMatchObject({ status: 'fail', fix: expect.stringContaining('CI_CLI_HOME') });
    expect(check('git')).toMatchObject({ status: 'fail', message: 'not installed' });
    expect(check('shells')).toMatchObject({ status: 'fail', fix: expect.stringContaining('PATH') });
    expect(exitCode).toBe(4);
  });

  it.skipIf(process.platform !== 'linux')('leaves nothing of its trials when it is stopped', async () => {
    using project = temporaryProject(inShell);
    const state = join(project.home, 'state');
    mkdirSync(state);
    using watcher = closing(watch(state));
    const begun = once(watcher, 'change');
    const doctor = startCi(project, [], {}, 'doctor');
    const ended = once(doctor, 'exit');
    await begun;
    doctor.kill('SIGINT');
    expect(await ended).toEqual([130, null]);
    expect(readdirSync(state)).toEqual([]);
  });

  it('prints a line for each thing, and what to do below it', async () => {
    using project = temporaryProject(inContainers);
    const args = ['doctor', '--color', 'always'];
    const plain = await runCi(['doctor'], { cwd: project.root, home: project.home, env: nowhere });
    expect(plain.stdout).toMatch(/^✓ pipeline {3}\.ci\.yml: 0 jobs in the shell, 1 in containers$/m);
    expect(plain.stdout).toMatch(
      /^✗ engine {5}none answers\n {13}unix:\/\/\/none\/docker\.sock .*\n.*\n {13}→ start Docker/m,
    );
    expect(plain.stderr).toMatch(/^ci: 1 to mend/);
    expect(plain.exitCode).toBe(4);
    const painted = await runCi(args, { cwd: project.root, home: project.home, env: nowhere });
    expect(painted.stdout).toContain('\u001b[31m✗\u001b[39m');
  });
});
