import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runnerRoom } from '../support/runner-room.ts';

const room = runnerRoom();
const { addJobs, command, job, logOf, says } = room;

const known = (): Record<string, string> => ({
  CI_SERVER_URL: room.server.url,
  CI_SERVER_TOKEN: room.server.addRunner().token,
  RUNNER_EXECUTOR: 'shell',
});

/** Its settings come from the environment unless the arguments say otherwise. */
const single = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  command(['run-single', ...args], { env });

describe('ci runner run-single', () => {
  it('takes one job after the other, up to --max-builds, and writes no file of runners', async () => {
    const note = join(room.home, 'note');
    const script = [`mkdir ${note}`, 'cat hello.txt', `rmdir ${note}`, 'echo "token is ${CI_SERVER_TOKEN:-not here}"'];
    addJobs({ name: 'a', script }, { name: 'b', script: [...script, 'exit 3'] }, { name: 'c', script });
    const { ended } = single(['--max-builds', '2', '--env', 'OWN=1'], known());
    const { code, output } = await ended;
    expect(output).toContain('that was job 2 of 2');
    expect(code).toBe(0);
    expect(['a', 'b', 'c'].map((name) => job(name).status)).toEqual(['success', 'failed', 'pending']);
    expect(logOf('a')).toContain('hello\n');
    expect(logOf('a')).toContain('token is not here');
    expect(existsSync(join(room.home, 'one', 'config'))).toBe(false);
    expect(room.server.violations).toEqual([]);
  });

  it('ends when no job comes for --wait-timeout seconds', async () => {
    const { code, output } = await single(['--wait-timeout', '1'], known()).ended;
    expect(output).toContain('no job came in 1 s');
    expect(code).toBe(0);
  });

  it('takes its settings from flags, too', async () => {
    const { CI_SERVER_TOKEN = '' } = known();
    const flags = ['-u', room.server.url, '-t', CI_SERVER_TOKEN, '--executor', 'shell', '--env', 'MINE=from a flag'];
    addJobs({ name: 'a', script: ['echo "it is $MINE"'] });
    const { code } = await single([...flags, '--max-builds=1']).ended;
    expect(code).toBe(0);
    expect(logOf('a')).toContain('it is from a flag');
  });

  it('takes a runner of a file, whatever else is given', async () => {
    const file = join(room.home, 'config.toml');
    const { token } = room.server.addRunner();
    const rest = `url = "${room.server.url}"\ntoken = "${token}"\nexecutor = "shell"\n`;
    writeFileSync(
      file,
      `check_interval = 1\nlisten_address = ":1"\n[[runners]]\nname = "other"\n[[runners]]\nname = "mine"\n${rest}`,
    );
    addJobs({ name: 'a', script: ['true'] });
    const { code, output } = await single(['-c', file, '-r', 'mine', '--max-builds', '1']).ended;
    expect(output).toContain('name=mine');
    expect(code).toBe(0);
    const wrong = await single(['-c', file, '--runner', 'nobody']).ended;
    expect(wrong).toMatchObject({ code: 2, output: expect.stringContaining('there are: other, mine') });
    const empty = await single(['-c', file, '--runner', 'other']).ended;
    expect(empty).toMatchObject({ code: 2, output: expect.stringContaining('of the runner "other"') });
  });

  it('ends its job and reports it on SIGTERM', async () => {
    addJobs({ name: 'long', script: ['echo started', 'sleep 60'] });
    const { child, ended } = single(['--max-builds', '1'], known());
    await says('long', 'started');
    child.kill('SIGTERM');
    expect((await ended).code).toBe(143);
    expect(job('long').status).toBe('failed');
  });

  it('lets its job end on SIGQUIT', async () => {
    const go = join(room.home, 'go');
    addJobs(
      { name: 'a', script: ['echo started', `until test -e ${go}; do sleep 0.1; done`] },
      { name: 'b', script: ['true'] },
    );
    const { child, ended, said } = single([], known());
    await says('a', 'started');
    child.kill('SIGQUIT');
    await said(/waiting for those that run/);
    writeFileSync(go, '');
    expect((await ended).code).toBe(0);
    expect([job('a').status, job('b').status]).toEqual(['success', 'pending']);
  });
});

describe('ci runner run-single says what is wrong', () => {
  it.each([
    { args: ['--token', 'x'], says: '--url, --executor are missing' },
    { args: ['-u', 'ftp://x', '-t', 'x', '--executor', 'shell'], says: 'no http or https address: ftp://x' },
    { args: ['-u', 'http://x', '-t', 'x', '--executor', 'kubernetes'], says: 'there is no executor kubernetes here' },
    { args: ['--max-builds', '-1'], says: 'It must be a whole number from 0' },
    { args: ['--wait-timeout', 'soon'], says: 'It must be a whole number from 0' },
    { args: ['--no-such-flag'], says: "unknown option '--no-such-flag'" },
    {
      args: ['-u', 'http://x', '-t', 'x', '--executor', 'docker', '--docker-pull-policy', 'sometimes'],
      says: '--docker-pull-policy',
    },
  ])('$args', async ({ args, says }) => {
    const { code, output } = await single(args).ended;
    expect(output).toContain(says);
    expect(code).toBe(2);
  });

  it('where the server does not know the token', async () => {
    const { code, output } = await single([], { ...known(), CI_SERVER_TOKEN: 'glrt-forgotten-by-all' }).ended;
    expect(output).toContain('the server refuses this runner');
    expect(output).not.toContain('forgotten-by-all');
    expect(code).toBe(4);
  });

  it('where the server can not be reached', async () => {
    const { code, output } = await single(['--wait-timeout', '1'], { ...known(), CI_SERVER_URL: 'http://127.0.0.1:9' })
      .ended;
    expect(output).toContain('the server could not be asked');
    expect(code).toBe(4);
  });
});
