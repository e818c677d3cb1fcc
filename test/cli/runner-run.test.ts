import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runnerRoom } from '../support/runner-room.ts';

const room = runnerRoom();
const { addJobs, command, ends, job, logOf, says, start, startAgain } = room;

describe('ci runner run', () => {
  it('runs jobs with their sources, hands artifacts on, and ends when it was told to', async () => {
    addJobs(
      {
        name: 'build',
        stage: 'build',
        script: ['cat hello.txt', 'mkdir out', 'echo "built by $CI_JOB_NAME" > out/file', 'ln -s file out/link'],
        afterScript: ['echo "after $CI_JOB_STATUS"'],
        artifacts: { paths: ['out'], expireIn: '1 week' },
      },
      { name: 'test', stage: 'test', script: ['cat out/link', 'test "$CI_PROJECT_PATH" = group/project', 'pwd'] },
    );
    const { child, ended } = start();
    await ends('build', 'test');
    expect(logOf('build')).toContain('hello\n');
    expect(logOf('build')).toContain('after success');
    expect(logOf('build')).toContain('Job succeeded');
    expect(logOf('test')).toContain('built by build');
    expect([job('build').status, job('test').status]).toEqual(['success', 'success']);
    child.kill('SIGQUIT');
    const { code, output } = await ended;
    expect(output).toContain('Job has ended');
    expect(code).toBe(0);
    expect(room.server.violations).toEqual([]);
  });

  it('says what is odd about the file once, and that there is nobody to work for', async () => {
    const odd = start({ table: 'foo = 1\n' });
    const none = command(['run'], { name: 'empty' });
    await Promise.all([odd.said(/foo/), odd.said(/loaded/), none.said(/No runners/)]);
    for (const { child } of [odd, none]) child.kill('SIGQUIT');
    const { output } = await odd.ended;
    expect(output.match(/foo/g)).toHaveLength(1);
    expect(output).not.toContain('No runners yet');
    expect((await none.ended).output).toContain('WARNING: No runners yet: `ci runner register` makes one');
  });

  it('tells how jobs fail: exit code, timeout, what it can not do', async () => {
    addJobs(
      { name: 'fails', script: ['echo before', 'exit 7'], afterScript: ['echo "after $CI_JOB_STATUS"'] },
      { name: 'slow', script: ['sleep 60'], timeout: 2 },
      { name: 'secret', script: ['true'], response: { secrets: { KEY: { vault: {} } } } },
    );
    start({ global: 'concurrent = 3' });
    await ends('fails', 'slow', 'secret');
    expect(job('fails')).toMatchObject({ status: 'failed', failureReason: 'script_failure', exitCode: 7 });
    expect(logOf('fails')).toContain('after failed');
    expect(job('slow')).toMatchObject({ status: 'failed', failureReason: 'job_execution_timeout' });
    expect(job('secret').status).toBe('failed');
    expect(logOf('secret')).toContain('The secret KEY is kept in a store');
  });

  it('masks variables and tokens in the log', async () => {
    addJobs({
      name: 'leaky',
      script: ['echo "value $SECRET"', 'echo "token $CI_JOB_TOKEN"', 'echo "short $PIN"'],
      variables: { SECRET: { value: 'very-secret-value', masked: true }, PIN: { value: '#9', masked: true } },
    });
    start();
    await ends('leaky');
    expect(logOf('leaky')).toContain('value [MASKED]');
    expect(logOf('leaky')).toContain('\nshort [MASKED]\n');
    expect(logOf('leaky')).not.toContain(job('leaky').token);
  });

  it('keeps caches between jobs', async () => {
    const cache = [{ key: 'deps', paths: ['cached'] }];
    addJobs(
      { name: 'first', stage: 'build', cache, script: ['mkdir cached', 'echo kept > cached/file'] },
      { name: 'second', stage: 'test', cache, script: ['cat cached/file'] },
    );
    start();
    await ends('first', 'second');
    expect(logOf('second')).toContain('kept');
    expect(job('second').status).toBe('success');
  });

  it('stops the script of a job that is canceled, and runs its after_script', async () => {
    addJobs({ name: 'long', script: ['echo started', 'sleep 60'], afterScript: ['echo "after $CI_JOB_STATUS"'] });
    start();
    await says('long', 'started');
    room.server.cancel(job('long'), 'gracefully');
    await ends('long');
    expect(job('long').status).toBe('canceled');
    expect(logOf('long')).toContain('WARNING: script canceled externally (UI, API)');
    expect(logOf('long')).toContain('after canceled');
  });

  it('ends its jobs and reports them on SIGTERM', async () => {
    addJobs({ name: 'long', script: ['echo started', 'sleep 60'] });
    const { child, ended } = start();
    await says('long', 'started');
    child.kill('SIGTERM');
    const { code } = await ended;
    expect(code).toBe(143);
    expect(job('long').status).toBe('failed');
    expect(logOf('long')).toContain('ERROR: Job failed: aborted: terminated');
  });

  it('reports after kill -9 and a restart what was interrupted, with its log', async () => {
    addJobs({ name: 'long', script: ['echo started', 'sleep 60'] });
    const { child, ended } = start();
    await says('long', 'started');
    child.kill('SIGKILL');
    await ended;
    startAgain();
    await ends('long');
    expect(job('long')).toMatchObject({ status: 'failed', failureReason: 'runner_system_failure' });
    expect(logOf('long')).toContain('started');
    expect(logOf('long')).toContain('the runner ended while the job was running');
  });

  it('leaves nothing but sources and caches behind', async () => {
    addJobs({ name: 'build', script: ['mkdir out; touch out/x'], artifacts: { paths: ['out'] } });
    const { child, ended } = start();
    await ends('build');
    child.kill('SIGQUIT');
    await ended;
    const state = join(room.home, 'one', 'state', 'runner');
    expect(readdirSync(state).sort()).toEqual(['builds', 'processes', 'traces']);
    for (const name of ['processes', 'traces']) expect(readdirSync(join(state, name))).toEqual([]);
    expect(readFileSync(join(room.home, 'one', 'config', 'runner.toml'), 'utf8')).toContain('[[runners]]');
  });

  it('says what is wrong with its file', async () => {
    const { ended } = start({ global: 'concurrent = 0' });
    const { code, output } = await ended;
    expect(code).toBe(2);
    expect(output).toMatch(/runner\.toml:2: `concurrent` must be at least 1/);
  });
});
