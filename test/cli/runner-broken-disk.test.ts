import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type GitlabServer, startGitlabServer } from '../gitlab-server/gitlab-server.ts';
import { jobLog } from '../support/job-log.ts';
import { removeOnceFree } from '../support/remove-once-free.ts';
import { type RunnerProcess, startRunner } from '../support/runner-process.ts';

let home: string;
let server: GitlabServer;
let children: ChildProcess[];

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'ci-disk-'));
  server = await startGitlabServer({ rateLimits: 'off' });
  children = [];
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await server[Symbol.asyncDispose]();
  await removeOnceFree(home);
});

const place = (name: string): string => join(home, 'state', 'runner', name);

/** Where a directory should be there is a file. */
function obstruct(name: string): void {
  rmSync(place(name), { recursive: true, force: true });
  mkdirSync(place('.'), { recursive: true });
  writeFileSync(place(name), '');
}

function start(): RunnerProcess {
  const text = `concurrent = 1
check_interval = 1
[[runners]]
name = "one"
url = "${server.url}"
token = "${server.addRunner().token}"
executor = "shell"
`;
  const runner = startRunner(home, text);
  children.push(runner.child);
  return runner;
}

const addJob = (): void =>
  void server.addPipeline({ variables: { GIT_STRATEGY: 'none' }, jobs: [{ name: 'job', script: ['true'] }] });

describe('a runner whose disk fails', () => {
  it('says so at the start where it can keep nothing', async () => {
    obstruct('processes');
    const { code, output } = await start().ended;
    expect(code).toBe(4);
    expect(output).toContain(place('processes'));
  });

  it('reports a job whose log it can not keep, also where the server misses that at first', async () => {
    obstruct('traces');
    addJob();
    server.setFaults(({ route, nth }) => (route === 'update-job' && nth < 2 ? { kind: 'drop-before' } : undefined));
    const runner = start();
    await server.until(() => server.job('job').status === 'failed');
    expect(server.job('job').failureReason).toBe('runner_system_failure');
    expect(runner.output()).toContain(place('traces'));
    expect(server.violations).toEqual([]);
  });

  it('reports a job for whose sources there is no place any more, and says why in its log', async () => {
    const runner = start();
    await runner.said(/Configuration loaded/);
    await server.until(() => server.requests.some(({ route }) => route === 'jobs-request'));
    obstruct('builds');
    addJob();
    await server.until(() => server.job('job').status === 'failed');
    expect(server.job('job').failureReason).toBe('runner_system_failure');
    expect(jobLog(server.job('job'))).toContain(place('builds'));
    expect(server.violations).toEqual([]);
  });
});
