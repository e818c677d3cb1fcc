import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JobDescription } from '../gitlab-server/description.ts';
import { runnerRoom } from '../support/runner-room.ts';

const room = runnerRoom();
const { addJobs, job, logOf, says, start } = room;

const waiting = (name: string, until: string): JobDescription => ({
  name,
  script: ['echo started', `until [ -e ${join(room.home, until)} ]; do sleep 0.1; done`, 'echo arrived'],
});

const file = () => join(room.home, 'one', 'config', 'runner.toml');

describe('ci runner run, while it is told to stop', () => {
  it('drains on SIGQUIT, however often: what runs ends well, and nothing more is taken', async () => {
    addJobs(waiting('first', 'go'));
    const { child, ended, said } = start();
    await says('first', 'started');
    child.kill('SIGQUIT');
    await said(/no further jobs/);
    addJobs({ name: 'second', script: ['true'] });
    child.kill('SIGQUIT');
    writeFileSync(join(room.home, 'go'), '');
    expect((await ended).code).toBe(0);
    expect([job('first').status, job('second').status]).toEqual(['success', 'pending']);
    expect(logOf('first')).toContain('\narrived');
    expect(room.server.violations).toEqual([]);
  });

  it.each(['SIGTERM', 'SIGQUIT', 'SIGINT'] as const)('ends at once on %s after SIGTERM', async (signal) => {
    addJobs({ name: 'long', script: ["trap '' TERM", 'echo started', 'while true; do sleep 1; done'] });
    const { child, ended, said } = start();
    await says('long', 'started');
    child.kill('SIGTERM');
    await said(/jobs that run are ended/);
    child.kill(signal);
    expect((await ended).code).toBe({ SIGTERM: 143, SIGQUIT: 131, SIGINT: 130 }[signal]);
  });

  it('stops a job that is canceled by force, and takes the next one', async () => {
    addJobs(waiting('first', 'never'), { name: 'second', script: ['true'] });
    const { child, ended } = start({ table: 'limit = 1' });
    await says('first', 'started');
    room.server.cancel(job('first'), 'force');
    await room.server.until(() => job('second').status === 'success');
    child.kill('SIGQUIT');
    expect((await ended).code).toBe(0);
    expect(job('first').status).toBe('canceled');
    expect(logOf('first')).not.toContain('\narrived');
  });
});

describe('ci runner run, while its file changes', () => {
  it('changes a token that grows old, writes it, and goes on with it', async () => {
    const runner = room.server.addRunner({ tokenExpiresIn: 1000 });
    const old = runner.token;
    const times = 'token_obtained_at = 2020-01-01T00:00:00Z\ntoken_expires_at = 2020-02-01T00:00:00Z\n';
    const { child, ended, said } = start({ token: old, global: 'concurrent = 2\n# mine', table: times });
    await said(/The token was changed/);
    addJobs({ name: 'later', script: ['echo with the new one'] });
    await room.server.until(() => job('later').status === 'success');
    child.kill('SIGQUIT');
    await ended;
    const text = readFileSync(file(), 'utf8');
    expect(runner.token).not.toBe(old);
    expect(text).toContain(`token = "${runner.token}"`);
    expect(text).not.toContain(old);
    expect(text).toContain('# mine\n[[runners]]\nname = "one"');
    expect(room.server.requests.filter(({ route }) => route === 'reset-token')).toHaveLength(1);
  });

  it('asks for jobs of runners that are added, not of those whose executor is not there', async () => {
    const foreign = room.server.addRunner();
    const { child, ended, said } = start({ token: foreign.token, executor: 'kubernetes' });
    await said(/is "kubernetes", which is not supported; no jobs are asked for/);
    addJobs({ name: 'job', script: ['true'] });
    const own = room.server.addRunner();
    const text = readFileSync(file(), 'utf8');
    const table = text.slice(text.indexOf('[[runners]]')).replace(foreign.token, own.token);
    writeFileSync(file(), `${text}\n${table.replace('kubernetes', 'shell')}`);
    await room.server.until(() => job('job').status === 'success');
    child.kill('SIGQUIT');
    await ended;
    expect(job('job').runner).toBe(own);
    const asked = room.server.requests.filter(({ route }) => route === 'jobs-request');
    expect(asked.filter(({ body }) => body.includes(foreign.token))).toEqual([]);
  });
});
