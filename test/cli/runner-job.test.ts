import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobDescription } from '../gitlab-server/description.ts';
import { type GitlabServer, startGitlabServer } from '../gitlab-server/gitlab-server.ts';
import { traceOf } from '../gitlab-server/state/model.ts';
import { type RunnerProcess, smallRepository, startRunner } from '../support/runner-process.ts';

let home: string;
let server: GitlabServer;
let runner: RunnerProcess | undefined;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'ci-runner-job-'));
  server = await startGitlabServer({ relativeUrl: '/gitlab', rateLimits: 'off' });
});

afterEach(async () => {
  runner?.child.kill('SIGKILL');
  await server[Symbol.asyncDispose]();
  rmSync(home, { recursive: true, force: true });
});

/** Runs jobs by a runner with these lines in its file; gives their logs. */
async function run(jobs: readonly JobDescription[], table = ''): Promise<readonly string[]> {
  const repository = smallRepository(join(home, 'project'));
  execFileSync('git', ['branch', 'other'], { cwd: repository });
  server.addPipeline({ jobs }, server.addProject({ repository }));
  const { token } = server.addRunner();
  const file = `concurrent = 4
check_interval = 1
[[runners]]
name = "my runner"
url = "${server.url}"
token = "${token}"
executor = "shell"
${table}`;
  runner = startRunner(join(home, 'runner'), file);
  const ended = new Set(['success', 'failed', 'canceled', 'skipped']);
  await server.until(() => jobs.every(({ name }) => ended.has(server.job(name).status)));
  return jobs.map(({ name }) => Buffer.from(traceOf(server.job(name))).toString());
}

describe('a job of a server', () => {
  it('fetches by itself as the job, without a token in its repository', async () => {
    const script = [
      'git fetch -q origin',
      'git log -1 --format=%s origin/other',
      'if grep -rq "$CI_JOB_TOKEN" .git; then echo leaked; fi',
      'git push -q origin HEAD:refs/heads/made || echo "no push"',
    ];
    const [log] = await run([{ name: 'git', script }]);
    expect(log).toMatch(/\nfirst\n/);
    expect(log).not.toMatch(/\nleaked\n|gitlab-ci-token:glcbt/);
    expect(server.job('git').status).toBe('success');
  });

  it('shows its commands with CI_DEBUG_TRACE, unless that is disabled', async () => {
    const variables = { CI_DEBUG_TRACE: 'true' };
    const [log] = await run(
      [{ name: 'debug', variables, script: ['echo "a$((1 + 1))c"'] }],
      'debug_trace_disabled = true',
    );
    expect(log).toContain('\na2c\n');
    expect(log).not.toContain('+ echo a2c');
  });

  it('has its inputs filled in, or fails with its configuration to blame', async () => {
    const inputs = [
      { key: 'env', value: { type: 'string', content: 'dev' } },
      { key: 'count', value: { type: 'number', content: 2 } },
    ];
    const use = (inside: string): string => `\${{ ${inside} }}`;
    const [good, bad] = await run([
      {
        name: 'good',
        script: [`echo "to ${use('job.inputs.env')} ${use('job.inputs.count + 1')} times" > out.txt`, 'cat out.txt'],
        response: { inputs },
      },
      { name: 'bad', script: [`echo ${use('job.inputs.other')}`], response: { inputs } },
    ]);
    expect(good).toContain('\nto dev 3 times\n');
    expect(bad).toContain('ERROR: Job failed: failed to interpolate job inputs: there is no `other`, only env, count');
    expect(server.job('bad')).toMatchObject({ status: 'failed', failureReason: 'script_failure' });
  });
});
