import type { ChildProcess } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type GitlabServer, startGitlabServer } from '../gitlab-server/gitlab-server.ts';
import { jobLog } from '../support/job-log.ts';
import { removeOnceFree } from '../support/remove-once-free.ts';
import { type RunnerProcess, smallRepository, startRunner } from '../support/runner-process.ts';

let home: string;
let server: GitlabServer;
let children: ChildProcess[];

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'ci-shared-'));
  server = await startGitlabServer({ rateLimits: 'off' });
  children = [];
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await server[Symbol.asyncDispose]();
  await removeOnceFree(home);
});

/** Starts two processes on one home, with one file. */
function startTwo(concurrent: number): readonly RunnerProcess[] {
  const { token } = server.addRunner();
  const text = `concurrent = ${concurrent}
check_interval = 1
[[runners]]
name = "one"
url = "${server.url}"
token = "${token}"
executor = "shell"
request_concurrency = 2
`;
  const both = [startRunner(join(home, 'shared'), text), startRunner(join(home, 'shared'), undefined)];
  children.push(...both.map(({ child }) => child));
  return both;
}

describe('two processes on one home', () => {
  it('give no two jobs the same directory at a time', async () => {
    const names = Array.from({ length: 12 }, (_, at) => `job-${at}`);
    // Fails where another job has the same number just now.
    const held = join(home, 'held');
    const script = [
      `mkdir "${held}-id-$CI_CONCURRENT_ID" "${held}-project-$CI_CONCURRENT_PROJECT_ID"`,
      'cat hello.txt; sleep 0.4',
      `rmdir "${held}-id-$CI_CONCURRENT_ID" "${held}-project-$CI_CONCURRENT_PROJECT_ID"`,
      'echo "project number $CI_CONCURRENT_PROJECT_ID."',
    ];
    const project = server.addProject({ repository: smallRepository(join(home, 'project')) });
    server.addPipeline({ jobs: names.map((name) => ({ name, script })) }, project);
    const both = startTwo(3);
    await server.until(() => names.every((name) => ['success', 'failed'].includes(server.job(name).status)));
    const logs = names.map((name) => jobLog(server.job(name)));
    expect(logs.filter((_, at) => server.job(names[at]!).status !== 'success')).toEqual([]);
    const numbers = new Set(logs.map((log) => /project number (\d+)\./.exec(log)![1]));
    expect([...numbers].every((number) => Number(number) < 6)).toBe(true);
    for (const { child } of both) child.kill('SIGQUIT');
    for (const { ended } of both) expect((await ended).code).toBe(0);
    expect(server.violations).toEqual([]);
  });
});
