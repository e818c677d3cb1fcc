import { execFile, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { testEngine } from '../executors/support/engine.ts';
import { type GitlabServer, startGitlabServer } from '../gitlab-server/gitlab-server.ts';
import { jobLog } from '../support/job-log.ts';
import { smallRepository } from '../support/runner-process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Debian with Node: what the tests have in place of the base image that is downloaded. */
const base = 'ci-test/node:latest';
const run = promisify(execFile);

const engine = await testEngine();
const canBuild = engine !== undefined && spawnSync('docker', ['image', 'inspect', base]).status === 0;

let home: string;
const image = `ci-test/pipewright:${process.pid}`;
const container = `pipewright-test-${process.pid}`;

/** What `docker build` is given, built already: no package comes from a registry. */
function buildContext(directory: string): void {
  mkdirSync(directory);
  for (const name of ['bin', 'dist', 'schemas', 'LICENSE', 'package.json', 'package-lock.json']) {
    cpSync(join(root, name), join(directory, name), { recursive: true });
  }
  const recipe = readFileSync(join(root, 'Dockerfile'), 'utf8');
  writeFileSync(join(directory, 'Dockerfile'), recipe.replace(/^RUN npm .*$/gm, 'RUN true'));
}

async function docker(...args: string[]): Promise<string> {
  const { stdout, stderr } = await run('docker', args, { env: { ...process.env, DOCKER_BUILDKIT: '0' } });
  return stdout + stderr;
}

describe.skipIf(!canBuild)('the container image', { timeout: 60_000 }, () => {
  let server: GitlabServer;

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'ci-image-'));
    buildContext(join(home, 'context'));
    await docker('build', '--network=host', `--build-arg=BASE=${base}`, '-t', image, join(home, 'context'));
  }, 300_000);

  afterAll(async () => {
    await docker('rmi', '-f', image);
    rmSync(home, { recursive: true, force: true });
  });

  beforeEach(async () => {
    server = await startGitlabServer({ rateLimits: 'off' });
  });

  afterEach(async () => {
    await docker('rm', '-fv', container).catch(() => {});
    await server[Symbol.asyncDispose]();
    rmSync(join(home, 'project'), { recursive: true, force: true });
  });

  const logOf = (name: string): string => jobLog(server.job(name));
  const start = (how: readonly string[], command: readonly string[]): Promise<string> =>
    docker('run', '--name', container, '--network=host', ...how, image, ...command);

  it('runs a job with its sources, settings from the environment alone', async () => {
    const project = server.addProject({ repository: smallRepository(join(home, 'project')) });
    const script = ['cat hello.txt', 'git lfs version', 'id -u'];
    server.addPipeline({ stages: ['test'], jobs: [{ name: 'a', script }] }, project);
    const settings = { CI_SERVER_URL: server.url, CI_SERVER_TOKEN: server.addRunner().token, RUNNER_EXECUTOR: 'shell' };
    const env = Object.entries(settings).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    await start(env, ['run-single', '--max-builds', '1']);
    expect(logOf('a')).toContain('hello\n');
    expect(logOf('a')).toContain('git-lfs/');
    expect(logOf('a')).toContain('Job succeeded');
  });

  it("runs a job in a container of the machine's engine", async () => {
    const project = server.addProject({ repository: smallRepository(join(home, 'project')) });
    server.addPipeline(
      { stages: ['test'], jobs: [{ name: 'a', script: ['cat hello.txt', 'cat /etc/hostname'] }] },
      project,
    );
    const settings = {
      ...{ CI_SERVER_URL: server.url, CI_SERVER_TOKEN: server.addRunner().token, RUNNER_EXECUTOR: 'docker' },
      ...{ DOCKER_IMAGE: 'ci-test/busybox:latest', DOCKER_PULL_POLICY: 'if-not-present' },
    };
    const env = Object.entries(settings).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    const socket = ['-v', '/var/run/docker.sock:/var/run/docker.sock'];
    await start([...socket, ...env], ['run-single', '--max-builds', '1']);
    expect(logOf('a')).toContain('hello\n');
    expect(logOf('a')).toContain('Job succeeded');
  });

  it('registers into the volume, and lets its jobs end when it is stopped', async () => {
    const config = join(home, 'etc');
    const { token } = server.addRunner();
    const mount = ['-v', `${config}:/etc/pipewright`];
    const flags = ['-n', '--url', server.url, '--token', token, '--executor', 'shell'];
    await start(['--rm', ...mount], ['register', ...flags]);
    expect(readFileSync(join(config, 'runner.toml'), 'utf8')).toContain(token);
    server.addPipeline({
      stages: ['test'],
      variables: { GIT_STRATEGY: 'none' },
      jobs: [{ name: 'long', script: ['echo started', 'sleep 4', 'echo done'] }],
    });
    await start(['-d', ...mount], []);
    await server.until(() => logOf('long').includes('started'));
    await docker('stop', '-t', '50', container);
    expect(server.job('long').status).toBe('success');
    expect(await docker('inspect', '-f', '{{.State.ExitCode}}', container)).toBe('0\n');
    expect(await docker('logs', container)).toContain('waiting for those that run');
  });
});
