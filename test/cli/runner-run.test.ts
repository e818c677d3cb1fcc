import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { JobDescription } from '../gitlab-server/description.ts';
import { type GitlabServer, startGitlabServer } from '../gitlab-server/gitlab-server.ts';
import { jobLog } from '../support/job-log.ts';
import { removeOnceFree } from '../support/remove-once-free.ts';
import { plainEnvironment } from '../support/run-ci.ts';
import { smallRepository, startRunner as startRunnerProcess } from '../support/runner-process.ts';

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
  // Mounts of those that were killed go a moment later.
  await removeOnceFree(home);
});

/** Writes the file of one runner, and starts it. */
function startRunner(given: { readonly table?: string; readonly global?: string; readonly name?: string } = {}) {
  const { token } = server.addRunner();
  const name = given.name ?? 'one';
  const directory = join(home, name);
  const text = `${given.global ?? 'concurrent = 2'}
check_interval = 1
[[runners]]
name = "${name}"
url = "${server.url}"
token = "${token}"
executor = "shell"
${given.table ?? ''}`;
  const runner = startRunnerProcess(directory, text);
  children.push(runner.child);
  return { ...runner, directory };
}

function pipeline(...jobs: JobDescription[]): void {
  server.addPipeline(
    { stages: ['build', 'test'], jobs },
    server.addProject({ repository: smallRepository(join(home, 'project')) }),
  );
}

const finished = ['success', 'failed', 'canceled', 'skipped'];
const ends = (...names: string[]) =>
  server.until(() => names.every((name) => finished.includes(server.job(name).status)));
const logOf = (name: string): string => jobLog(server.job(name));

describe('ci runner run', () => {
  it('runs jobs with their sources, hands artifacts on, and ends when it was told to', async () => {
    pipeline(
      {
        name: 'build',
        stage: 'build',
        script: ['cat hello.txt', 'mkdir out', 'echo "built by $CI_JOB_NAME" > out/file', 'ln -s file out/link'],
        afterScript: ['echo "after $CI_JOB_STATUS"'],
        artifacts: { paths: ['out'], expireIn: '1 week' },
      },
      { name: 'test', stage: 'test', script: ['cat out/link', 'test "$CI_PROJECT_PATH" = group/project', 'pwd'] },
    );
    const { child, ended } = startRunner();
    await ends('build', 'test');
    expect(logOf('build')).toContain('hello\n');
    expect(logOf('build')).toContain('after success');
    expect(logOf('build')).toContain('Job succeeded');
    expect(logOf('test')).toContain('built by build');
    expect([server.job('build').status, server.job('test').status]).toEqual(['success', 'success']);
    child.kill('SIGQUIT');
    const { code, output } = await ended;
    expect(output).toContain('Job has ended');
    expect(code).toBe(0);
    expect(server.violations).toEqual([]);
  });

  it('says what is odd about the file once, and that there is nobody to work for', async () => {
    const odd = startRunner({ table: 'foo = 1\n' });
    const empty = join(home, 'empty');
    const none = spawn(process.execPath, [binary, 'runner', 'run'], { cwd: home, env: plainEnvironment(empty) });
    children.push(none);
    let said = '';
    none.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
    const both = () => odd.output().includes('foo') && odd.output().includes('loaded') && said.includes('No runners');
    await vi.waitUntil(both, 10_000);
    for (const child of [odd.child, none]) child.kill('SIGQUIT');
    const { output } = await odd.ended;
    expect(output.match(/foo/g)).toHaveLength(1);
    expect(output).not.toContain('No runners yet');
    expect(said).toContain('WARNING: No runners yet: `ci runner register` makes one');
  });

  it('tells how jobs fail: exit code, timeout, what it can not do', async () => {
    pipeline(
      { name: 'fails', script: ['echo before', 'exit 7'], afterScript: ['echo "after $CI_JOB_STATUS"'] },
      { name: 'slow', script: ['sleep 60'], timeout: 2 },
      { name: 'secret', script: ['true'], response: { secrets: { KEY: { vault: {} } } } },
    );
    startRunner({ global: 'concurrent = 3' });
    await ends('fails', 'slow', 'secret');
    expect(server.job('fails')).toMatchObject({ status: 'failed', failureReason: 'script_failure', exitCode: 7 });
    expect(logOf('fails')).toContain('after failed');
    expect(server.job('slow')).toMatchObject({ status: 'failed', failureReason: 'job_execution_timeout' });
    expect(server.job('secret').status).toBe('failed');
    expect(logOf('secret')).toContain('The secret KEY is kept in a store');
  });

  it('masks variables and tokens in the log', async () => {
    pipeline({
      name: 'leaky',
      script: ['echo "value $SECRET"', 'echo "token $CI_JOB_TOKEN"', 'echo "short $PIN"'],
      variables: { SECRET: { value: 'very-secret-value', masked: true }, PIN: { value: '#9', masked: true } },
    });
    startRunner();
    await ends('leaky');
    expect(logOf('leaky')).toContain('value [MASKED]');
    expect(logOf('leaky')).toContain('\nshort [MASKED]\n');
    expect(logOf('leaky')).not.toContain(server.job('leaky').token);
  });

  it('keeps caches between jobs', async () => {
    const cache = [{ key: 'deps', paths: ['cached'] }];
    pipeline(
      { name: 'first', stage: 'build', cache, script: ['mkdir cached', 'echo kept > cached/file'] },
      { name: 'second', stage: 'test', cache, script: ['cat cached/file'] },
    );
    startRunner();
    await ends('first', 'second');
    expect(logOf('second')).toContain('kept');
    expect(server.job('second').status).toBe('success');
  });

  it('stops the script of a job that is canceled, and runs its after_script', async () => {
    pipeline({ name: 'long', script: ['echo started', 'sleep 60'], afterScript: ['echo "after $CI_JOB_STATUS"'] });
    startRunner();
    await server.until(() => logOf('long').includes('started'));
    server.cancel(server.job('long'), 'gracefully');
    await ends('long');
    expect(server.job('long').status).toBe('canceled');
    expect(logOf('long')).toContain('WARNING: script canceled externally (UI, API)');
    expect(logOf('long')).toContain('after canceled');
  });

  it('ends its jobs and reports them on SIGTERM', async () => {
    pipeline({ name: 'long', script: ['echo started', 'sleep 60'] });
    const { child, ended } = startRunner();
    await server.until(() => logOf('long').includes('started'));
    child.kill('SIGTERM');
    const { code } = await ended;
    expect(code).toBe(143);
    expect(server.job('long').status).toBe('failed');
    expect(logOf('long')).toContain('ERROR: Job failed: aborted: terminated');
  });

  it('reports after kill -9 and a restart what was interrupted, with its log', async () => {
    pipeline({ name: 'long', script: ['echo started', 'sleep 60'] });
    const { child, ended, directory } = startRunner();
    await server.until(() => logOf('long').includes('started'));
    child.kill('SIGKILL');
    await ended;
    const again = spawn(process.execPath, [binary, 'runner', 'run'], { cwd: home, env: plainEnvironment(directory) });
    children.push(again);
    await ends('long');
    expect(server.job('long')).toMatchObject({ status: 'failed', failureReason: 'runner_system_failure' });
    expect(logOf('long')).toContain('started');
    expect(logOf('long')).toContain('the runner ended while the job was running');
  });

  it('leaves nothing but sources and caches behind', async () => {
    pipeline({ name: 'build', script: ['mkdir out; touch out/x'], artifacts: { paths: ['out'] } });
    const { child, ended, directory } = startRunner();
    await ends('build');
    child.kill('SIGQUIT');
    await ended;
    const state = join(directory, 'state', 'runner');
    expect(readdirSync(state).sort()).toEqual(['builds', 'processes', 'traces']);
    for (const name of ['processes', 'traces']) expect(readdirSync(join(state, name))).toEqual([]);
    expect(readFileSync(join(directory, 'config', 'runner.toml'), 'utf8')).toContain('[[runners]]');
  });

  it('says what is wrong with its file', async () => {
    const { ended } = startRunner({ global: 'concurrent = 0' });
    const { code, output } = await ended;
    expect(code).toBe(2);
    expect(output).toMatch(/runner\.toml:1: `concurrent` must be at least 1/);
  });
});
