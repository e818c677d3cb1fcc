import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobDescription } from '../gitlab-server/description.ts';
import { type GitlabServer, startGitlabServer } from '../gitlab-server/gitlab-server.ts';
import { jobLog } from '../support/job-log.ts';
import { removeOnceFree } from '../support/remove-once-free.ts';
import { plainEnvironment } from '../support/run-ci.ts';
import { startS3Server } from '../support/s3-server.ts';

const binary = fileURLToPath(new URL('../../bin/ci.js', import.meta.url));

let home: string;
let server: GitlabServer;
let children: ChildProcess[];

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'ci-runner-'));
  server = await startGitlabServer({ relativeUrl: '/gitlab', rateLimits: 'off' });
  children = [];
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await server[Symbol.asyncDispose]();
  await removeOnceFree(home);
});

/** Writes the file of one runner, and starts it. */
function startRunner(given: { readonly table?: string; readonly global?: string; readonly name?: string } = {}) {
  const { token } = server.addRunner();
  const name = given.name ?? 'one';
  const directory = join(home, name);
  mkdirSync(join(directory, 'config'), { recursive: true });
  const text = `${given.global ?? 'concurrent = 2'}
check_interval = 1
[[runners]]
name = "${name}"
url = "${server.url}"
token = "${token}"
executor = "shell"
${given.table ?? ''}`;
  writeFileSync(join(directory, 'config', 'runner.toml'), text);
  const child = spawn(process.execPath, [binary, 'runner', 'run'], {
    cwd: home,
    env: plainEnvironment(directory),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let output = '';
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, output }));
  return { child, ended, directory, output: () => output };
}

function repository(): string {
  const directory = join(home, 'project');
  mkdirSync(directory);
  writeFileSync(join(directory, 'hello.txt'), 'hello\n');
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
      cwd: directory,
      env: plainEnvironment(home),
    });
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('commit', '-q', '-m', 'first');
  return directory;
}

function pipeline(...jobs: JobDescription[]): void {
  server.addPipeline({ stages: ['build', 'test'], jobs }, server.addProject({ repository: repository() }));
}

const finished = ['success', 'failed', 'canceled', 'skipped'];
const ends = (...names: string[]) =>
  server.until(() => names.every((name) => finished.includes(server.job(name).status)));
const logOf = (name: string): string => jobLog(server.job(name));

describe('a runner with caches in a bucket', () => {
  it('keeps them there, and does without it when its server is gone', async () => {
    const s3 = await startS3Server();
    const table = (address: string) => `[runners.cache]
Type = "s3"
Path = "ci"
Shared = true
[runners.cache.s3]
ServerAddress = "${address}"
AccessKey = "S3RVER"
SecretKey = "S3RVER"
BucketName = "${s3.bucket}"
Insecure = true
`;
    const cache = [{ key: 'deps', paths: ['cached'] }];
    pipeline(
      { name: 'first', stage: 'build', cache, script: ['mkdir cached', 'echo kept > cached/file'] },
      { name: 'second', stage: 'test', cache, script: ['cat cached/file'] },
    );
    const { child, ended } = startRunner({ table: table(s3.address) });
    await ends('first', 'second');
    child.kill('SIGQUIT');
    await ended;
    expect(logOf('second')).toContain('kept');
    expect(s3.objects()).toEqual([expect.stringMatching(/^ci\/project\/\d+\/deps/)]);
    await s3[Symbol.asyncDispose]();
    server.addPipeline({
      stages: ['build'],
      jobs: [{ name: 'third', cache, script: ['mkdir cached', 'touch cached/x'] }],
    });
    startRunner({ table: table(s3.address), name: 'two' });
    await ends('third');
    expect(logOf('third')).toContain("the server of caches can't be used");
    expect(logOf('third')).not.toContain('S3RVER');
    expect(server.job('third').status).toBe('success');
  });
});
