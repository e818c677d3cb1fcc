import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobDescription } from '../gitlab-server/description.ts';
import { type GitlabServer, startGitlabServer } from '../gitlab-server/gitlab-server.ts';
import { jobLog } from '../support/job-log.ts';
import { removeOnceFree } from '../support/remove-once-free.ts';
import { type RunnerProcess, smallRepository, startRunner } from '../support/runner-process.ts';

const pace = {
  CI_RUNNER_PACE: JSON.stringify({ trace: { updateIntervalMs: 50, maxUpdateIntervalMs: 200, forceSendMs: 200 } }),
};

let home: string;
let server: GitlabServer;
let processes: RunnerProcess[];

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'ci-life-'));
  server = await startGitlabServer({ rateLimits: 'off' });
  processes = [];
});

afterEach(async () => {
  for (const { child } of processes) child.kill('SIGKILL');
  await server[Symbol.asyncDispose]();
  await removeOnceFree(home);
});

const file = () => join(home, 'config', 'runner.toml');
const logOf = (name: string): string => jobLog(server.job(name));

function entry(token: string, more = ''): string {
  return `[[runners]]\nname = "one"\nurl = "${server.url}"\ntoken = "${token}"\nexecutor = "shell"\n${more}`;
}

function start(text: string): RunnerProcess {
  const process = startRunner(home, `concurrent = 2\ncheck_interval = 1\n${text}`, pace);
  processes.push(process);
  return process;
}

function pipeline(...jobs: readonly JobDescription[]): void {
  const repository = smallRepository(mkdtempSync(join(home, 'repository-')));
  server.addPipeline({ jobs }, server.addProject({ repository }));
}

const waiting = (name: string, until: string): JobDescription => ({
  name,
  script: ['echo started', `until [ -e ${join(home, until)} ]; do sleep 0.1; done`, 'echo arrived'],
});

describe('ci runner run, while it is told to stop', () => {
  it('drains on SIGQUIT, however often: what runs ends well, and nothing more is taken', async () => {
    pipeline(waiting('first', 'go'));
    const { child, ended, said } = start(entry(server.addRunner().token));
    await server.until(() => logOf('first').includes('started'));
    child.kill('SIGQUIT');
    await said(/no further jobs/);
    pipeline({ name: 'second', script: ['true'] });
    child.kill('SIGQUIT');
    writeFileSync(join(home, 'go'), '');
    expect((await ended).code).toBe(0);
    expect([server.job('first').status, server.job('second').status]).toEqual(['success', 'pending']);
    expect(logOf('first')).toContain('\narrived');
    expect(server.violations).toEqual([]);
  });

  it.each(['SIGTERM', 'SIGQUIT', 'SIGINT'] as const)('ends at once on %s after SIGTERM', async (signal) => {
    pipeline({ name: 'long', script: ["trap '' TERM", 'echo started', 'while true; do sleep 1; done'] });
    const { child, ended, said } = start(entry(server.addRunner().token));
    await server.until(() => logOf('long').includes('started'));
    child.kill('SIGTERM');
    await said(/jobs that run are ended/);
    child.kill(signal);
    expect((await ended).code).toBe({ SIGTERM: 143, SIGQUIT: 131, SIGINT: 130 }[signal]);
  });

  it('stops a job that is canceled by force, and takes the next one', async () => {
    pipeline(waiting('first', 'never'), { name: 'second', script: ['true'] });
    const { child, ended } = start(entry(server.addRunner().token, 'limit = 1\n'));
    await server.until(() => logOf('first').includes('started'));
    server.cancel(server.job('first'), 'force');
    await server.until(() => server.job('second').status === 'success');
    child.kill('SIGQUIT');
    expect((await ended).code).toBe(0);
    expect(server.job('first').status).toBe('canceled');
    expect(logOf('first')).not.toContain('\narrived');
  });
});

describe('ci runner run, while its file changes', () => {
  it('changes a token that grows old, writes it, and goes on with it', async () => {
    const runner = server.addRunner({ tokenExpiresIn: 1000 });
    const old = runner.token;
    const times = 'token_obtained_at = 2020-01-01T00:00:00Z\ntoken_expires_at = 2020-02-01T00:00:00Z\n';
    const { child, ended, said } = start(`# mine\n${entry(old, times)}`);
    await said(/The token was changed/);
    pipeline({ name: 'later', script: ['echo with the new one'] });
    await server.until(() => server.job('later').status === 'success');
    child.kill('SIGQUIT');
    await ended;
    const text = readFileSync(file(), 'utf8');
    expect(runner.token).not.toBe(old);
    expect(text).toContain(`token = "${runner.token}"`);
    expect(text).not.toContain(old);
    expect(text).toContain('# mine\n[[runners]]\nname = "one"');
    expect(server.requests.filter(({ route }) => route === 'reset-token')).toHaveLength(1);
  });

  it('asks for jobs of runners that are added, not of those whose executor is not there', async () => {
    const foreign = server.addRunner();
    const { child, ended, said } = start(entry(foreign.token).replace('"shell"', '"kubernetes"'));
    await said(/is "kubernetes", which is not supported; no jobs are asked for/);
    pipeline({ name: 'job', script: ['true'] });
    const own = server.addRunner();
    writeFileSync(file(), `${readFileSync(file(), 'utf8')}\n${entry(own.token)}`);
    await server.until(() => server.job('job').status === 'success');
    child.kill('SIGQUIT');
    await ended;
    expect(server.job('job').runner).toBe(own);
    const asked = server.requests.filter(({ route }) => route === 'jobs-request');
    expect(asked.filter(({ body }) => body.includes(foreign.token))).toEqual([]);
  });
});
