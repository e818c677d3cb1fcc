import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { selfSigned } from '../../src/runner/session/self-signed.ts';
import { statFields } from '../../src/util/process-stat.ts';
import { findByVariable } from '../../src/util/process-strays.ts';
import { labelled, testEngine } from '../executors/support/engine.ts';
import type { JobDescription } from '../gitlab-server/description.ts';
import { startRunner } from '../support/runner-process.ts';
import { runnerRoom } from '../support/runner-room.ts';
import { openTerminal, type SentSession, statusOf, terminalOf } from '../support/workhorse.ts';

const engine = await testEngine();
const image = 'ci-test/debian:latest';

const room = runnerRoom();
const { addJobsWithoutSources, ends, job, logOf, says } = room;

function start(executor: 'shell' | 'docker' | 'ssh', given: { stay?: number; env?: Record<string, string> } = {}) {
  const { stay = 1800, env = {} } = given;
  const global = `concurrent = 4\n[session_server]\nlisten_address = "127.0.0.1:0"\nsession_timeout = ${stay}`;
  const table = `[runners.docker]\nimage = "${image}"\npull_policy = ["if-not-present"]`;
  return room.start({ global, executor, table, env });
}

const sessionOf = (name: string) => job(name).session as unknown as SentSession;

/** A job that tells when it runs, and ends when there is a file `go` in its directory. */
const waiting = (over: Partial<JobDescription> = {}): JobDescription => ({
  name: 'job',
  script: ['echo "started in $PWD"', 'until [ -e go ]; do sleep 0.1; done', 'echo done'],
  variables: { SECRET: { value: 'very-secret-value', masked: true }, PLAIN: { value: 'a "plain" $value', raw: true } },
  ...over,
});

describe.each([
  ['shell', true],
  ['docker', engine !== undefined],
] as const)('a terminal into a job (%s)', (executor, available) => {
  describe.skipIf(!available)('that runs', { timeout: 60_000 }, () => {
    it('shares its directory and variables, and shows everything as it is', async () => {
      addJobsWithoutSources(waiting());
      start(executor);
      await says('job', 'started in');
      const session = sessionOf('job');
      expect(session.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/session\/[0-9a-f]{32}$/);
      const terminal = await terminalOf(session);
      terminal.type(
        'echo "dir=$PWD secret=$SECRET plain=$PLAIN name=$CI_JOB_NAME"; stty size; test -t 0 && echo at-$TERM\r',
      );
      const directory = /^started in (\S+)/m.exec(logOf('job'))?.[1];
      await terminal.shows(`dir=${directory} secret=very-secret-value plain=a "plain" $value name=job`);
      await terminal.shows('24 80');
      await terminal.shows('at-xterm-256color');
      terminal.type('touch go; exit\r');
      expect(await terminal.closed).toBe(1000);
      await ends('job');
      expect(job('job').status, logOf('job')).toBe('success');
      expect(room.server.violations).toEqual([]);
    });

    it('keeps the job when its script has ended, until the last one leaves', async () => {
      addJobsWithoutSources(waiting({ afterScript: ['echo after'] }));
      start(executor);
      await says('job', 'started in');
      const terminal = await terminalOf(sessionOf('job'), { subprotocols: ['base64.terminal.gitlab.com'] });
      expect(terminal.socket.protocol).toBe('base64.terminal.gitlab.com');
      terminal.type('touch go\r');
      await says('job', 'Terminal is connected, will time out in 30m0s...');
      expect(logOf('job')).toContain('after');
      terminal.type('echo "still $((20 + 1))"\r');
      await terminal.shows('still 21');
      terminal.socket.close();
      await ends('job');
      expect(logOf('job')).toContain('Terminal disconnected');
      expect(job('job').status).toBe('success');
    });

    it('ends with the time that it may stay', async () => {
      addJobsWithoutSources(waiting());
      start(executor, { stay: 2 });
      await says('job', 'started in');
      const terminal = await terminalOf(sessionOf('job'));
      terminal.type('trap "" HUP TERM; touch go; sleep 1000\r');
      await ends('job');
      expect(await terminal.closed).toBe(1000);
      expect(logOf('job')).toContain('Terminal is connected, will time out in 2s...');
      expect(logOf('job')).toContain('terminal session timed out (maximum time allowed - 2s)');
      expect(job('job').status).toBe('success');
    });

    it('takes all processes with it when the other end goes, and lets the next one in', async () => {
      addJobsWithoutSources(waiting());
      start(executor);
      await says('job', 'started in');
      const gone = await terminalOf(sessionOf('job'));
      gone.type('trap "" HUP TERM; (trap "" HUP TERM; echo in-$((1 + 1)); exec sleep 4321) & nohup sleep 4321\r');
      await gone.shows('in-2');
      expect(await openTerminal(sessionOf('job'))).toBe(423);
      gone.socket.terminate();
      let next = await openTerminal(sessionOf('job'));
      while (next === 423) next = await openTerminal(sessionOf('job'));
      if (typeof next === 'number') throw new Error(String(next));
      next.type(
        'echo "left=$(for p in /proc/[0-9]*; do tr "\\0" " " <$p/cmdline; echo; done 2>/dev/null | grep -c "^sleep 43[2]1")"; touch go\r',
      );
      await next.shows('left=0');
      next.socket.close();
      await ends('job');
      expect(job('job').status).toBe('success');
    });

    it('ends when the job is dropped, and leaves nothing', async () => {
      addJobsWithoutSources(waiting());
      const { child, ended } = start(executor);
      await says('job', 'started in');
      const terminal = await terminalOf(sessionOf('job'));
      terminal.type('echo in-$((1 + 1)); trap "" HUP TERM; sleep 5432\r');
      await terminal.shows('in-2');
      room.server.cancel(job('job'), 'force');
      expect(await terminal.closed).toBe(1000);
      await ends('job');
      child.kill('SIGTERM');
      await ended;
      expect(findByVariable('CI_CLI_JOB_MARKER', join(room.home, 'one'))).toEqual([]);
      if (engine !== undefined) expect(await labelled(engine.api, { pid: child.pid! })).toEqual([]);
    });
  });
});

describe('a session', { timeout: 60_000 }, () => {
  it('answers as GitLab Runner does', async () => {
    addJobsWithoutSources(waiting());
    const { output } = start('shell');
    await says('job', 'started in');
    const session = sessionOf('job');
    const wrong = { authorization: `${session.authorization}x` };
    expect(await statusOf(session)).toBe(405);
    expect(await statusOf(session, wrong)).toBe(401);
    expect(await statusOf(session, { authorization: '' })).toBe(401);
    expect(await openTerminal(session, wrong)).toBe(401);
    expect(await openTerminal(session, { path: '/proxy/db/80/' })).toBe(404);
    expect(await statusOf(session, { path: '/proxy/db/80/' })).toBe(404);
    expect(await statusOf(session, { ...wrong, path: '/proxy/db/80/' })).toBe(401);
    for (const path of ['', '/', '/exec/', '/other']) expect(await statusOf(session, { path })).toBe(404);
    const unknown = { ...session, url: session.url.replace(/[0-9a-f]{32}$/, 'f'.repeat(32)) };
    expect([await statusOf(unknown), await openTerminal(unknown)]).toEqual([404, 404]);
    await expect(statusOf({ ...session, certificate: selfSigned('127.0.0.1', Date.now()).cert })).rejects.toThrow();
    const terminal = await terminalOf(session);
    terminal.type('touch go; exit\r');
    await ends('job');
    // The server hears of the end just before that.
    while ((await statusOf(session)) !== 404);
    expect(output()).not.toContain(session.authorization);
  });

  it('is open to nobody while the job is prepared, and waits for that', async () => {
    addJobsWithoutSources(waiting({ hooks: [{ name: 'pre_get_sources_script', script: ['sleep 2'] }] }));
    start('shell');
    await room.server.until(() => job('job').status === 'running');
    const terminal = await terminalOf(sessionOf('job'));
    await says('job', 'Executing "step_script" stage');
    terminal.type('touch go; exit\r');
    await ends('job');
  });

  it('bounds what it takes, and what nobody reads', async () => {
    addJobsWithoutSources(waiting());
    start('shell');
    await says('job', 'started in');
    const huge = await terminalOf(sessionOf('job'));
    huge.socket.send(Buffer.alloc((1 << 20) + 1));
    expect(await huge.closed).toBe(1009);
    let flood = await openTerminal(sessionOf('job'));
    while (flood === 423) flood = await openTerminal(sessionOf('job'));
    if (typeof flood === 'number') throw new Error(String(flood));
    // `script` keeps in memory whatever the shell does not read: one that is stopped takes nothing more.
    flood.type('stty raw -echo; echo under-$PPID-; read -r line; kill -STOP $PPID; sleep 1000\r');
    await flood.shows(/under-\d+-/);
    const script = /under-(\d+)-/.exec(flood.shown())![1]!;
    flood.type('\n');
    await vi.waitFor(() => expect(statFields(script)?.[0]).toBe('T'), { timeout: 20_000, interval: 10 });
    const { socket } = flood;
    for (let sent = 0; sent < 8; sent++) socket.send(Buffer.alloc(1 << 20));
    expect(await flood.closed).toBe(1009);
    room.server.cancel(job('job'), 'force');
    await ends('job');
  });

  it('is not there for jobs that nobody can come into, and says why', async () => {
    addJobsWithoutSources(waiting({ script: ['echo started in x', 'sleep 3'] }));
    start('shell', { env: { PATH: withoutScript() } });
    await says('job', 'started in');
    expect(await openTerminal(sessionOf('job'))).toBe(503);
    expect(logOf('job')).toMatch(/WARNING: there is no terminal for this job: .*`script` is not there/);
  });

  it('is told to the server only where there is one', async () => {
    addJobsWithoutSources(waiting({ script: ['true'] }));
    start('ssh');
    await ends('job');
    expect(sessionOf('job')).toEqual({});
    expect(featuresOfRequests()).toEqual([false, false]);
  });

  it('does not start where its address is taken or makes no sense', async () => {
    const first = start('shell');
    const [, address] = await first.said(/Session server is listening\s+address=(\S+)/);
    const file = readFileSync(join(room.home, 'one', 'config', 'runner.toml'), 'utf8');
    const again = (listen: string) => startRunner(join(room.home, 'other'), file.replace('127.0.0.1:0', listen)).ended;
    expect(await again(address!)).toMatchObject({ code: 4, output: expect.stringContaining("can't listen on") });
    const wrong = await again('here');
    expect(wrong).toMatchObject({
      code: 2,
      output: expect.stringMatching(/:4: `session_server.listen_address` must be/),
    });
  });
});

/** `session` and `terminal` as the last question for a job had them. */
function featuresOfRequests(): unknown {
  const asked = room.server.requests.findLast(({ path }) => path.endsWith('/jobs/request'));
  const { features } = (JSON.parse(String(asked?.body)) as { info: { features: Record<string, boolean> } }).info;
  return [features['session'], features['terminal']];
}

/** A PATH with all programs but one. */
function withoutScript(): string {
  const directory = join(room.home, 'bin');
  mkdirSync(directory);
  for (const name of readdirSync('/usr/bin')) {
    if (name !== 'script') symlinkSync(join('/usr/bin', name), join(directory, name));
  }
  return directory;
}
