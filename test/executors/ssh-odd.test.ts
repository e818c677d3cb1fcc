import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { createSshExecutor, type SshExecutorOptions } from '../../src/executors/ssh/ssh-executor.ts';
import type { SshTarget } from '../../src/executors/ssh/ssh-target.ts';
import { removeTree } from '../../src/util/files/remove-tree.ts';
import { hasSshServer, startSshServer } from '../support/ssh-server.ts';
import { collect, jobSpec, never } from './contract.ts';
import { processesWith } from './support/processes.ts';

const password = 'pass word $1 "quoted"';
const place = mkdtempSync(join(tmpdir(), 'ci-odd-sshd-'));
const small = join(place, 'small');

/** Users with other shells, one of them with a password, and a disk of a megabyte: seen by the server alone. */
function mounts(): string {
  mkdirSync(small);
  const noisy = join(place, 'noisy');
  writeFileSync(noisy, '#!/bin/sh\necho "Welcome! ready bash"; echo warned >&2; exec /bin/bash "$@"\n');
  const last = join(place, 'last');
  writeFileSync(last, '#!/bin/sh\necho "This account is gone."; exit 1\n');
  for (const file of [noisy, last]) chmodSync(file, 0o755);
  const shells = { dashed: '/bin/dash', noisy, last, secret: '/bin/bash' };
  const lines = Object.entries(shells).map(([name, shell]) => `${name}:x:0:0::${place}:${shell}\n`);
  writeFileSync(join(place, 'passwd'), readFileSync('/etc/passwd', 'utf8') + lines.join(''));
  const hash = execFileSync('openssl', ['passwd', '-6', '-stdin'], { input: password, encoding: 'utf8' }).trim();
  const secrets = ['root', ...Object.keys(shells)].map(
    (name) => `${name}:${name === 'secret' ? hash : '*'}:19000::::::\n`,
  );
  writeFileSync(join(place, 'shadow'), secrets.join(''), { mode: 0o600 });
  return [
    `mount --bind ${place}/passwd /etc/passwd`,
    `mount --bind ${place}/shadow /etc/shadow`,
    `mount -t tmpfs -o size=1m none ${small}`,
  ].join('\n');
}

const canMount = hasSshServer && spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;
const settings = [
  `SetEnv HOME=${place}`,
  'Match User secret',
  'PasswordAuthentication yes',
  'PermitRootLogin yes',
  'Match all',
];
const server = canMount ? await startSshServer(place, settings, mounts()) : undefined;
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await removeTree(place);
});

const job = jobSpec({ executor: 'ssh' });
const jobs = join(place, '.ci-jobs');

async function isGone(what: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !what(); tries++) await sleep(50);
  expect(what()).toBe(true);
}

describe.skipIf(server === undefined)('the executor ssh, where things are odd', { timeout: 30_000 }, () => {
  const make = (over: Partial<SshTarget> = {}, more: Partial<SshExecutorOptions> = {}) => {
    const env = { PATH: process.env.PATH ?? '', HOME: place };
    const target = { ...server!.target, ...over };
    return createSshExecutor({ target, scratch: place, graceMs: 500, env, retryMs: 10, ...more });
  };

  /** What one script says, or why it could not be run. */
  async function says(over: Partial<SshTarget>, script = 'echo "in $PWD"', more: Partial<SshExecutorOptions> = {}) {
    const executor = make(over, more);
    const [out, stdout, stderr] = [collect(), collect(), collect()];
    try {
      await using session = await executor.open(job, out, never);
      const exit = await session.run({ script, env: {}, stdout, stderr }, never);
      return { exit, stdout: stdout.text(), stderr: stderr.text() };
    } catch (error) {
      return { error: (error as Error).message, hint: (error as { hint?: string }).hint };
    } finally {
      await executor.close();
    }
  }

  const withoutKey = { user: 'secret', password, identityFile: undefined } as unknown as Partial<SshTarget>;

  it('logs in by a password, which no list of processes shows', async () => {
    const script =
      'for f in /proc/[0-9]*/cmdline; do tr "\\0" " " < $f; echo; done 2>/dev/null | grep -c "pass[ ]word"';
    expect(await says(withoutKey, script)).toMatchObject({ stdout: '0\n' });
  });

  it('says when the password is wrong, and does not try again', async () => {
    expect(await says({ ...withoutKey, password: 'other' })).toEqual({
      error: expect.stringMatching(/^can't connect to secret@127.0.0.1:\d+ by ssh: it does not let us in/),
      hint: 'look at user and password',
    });
  });

  it('says when the key of the host is another one than it was', async () => {
    const known = join(place, 'changed');
    const [type, key] = readFileSync(join(place, 'user.pub'), 'utf8').split(' ');
    writeFileSync(known, `[127.0.0.1]:${server!.port} ${type} ${key}\n`);
    expect(await says({ knownHostsFile: known })).toEqual({
      error: expect.stringContaining('its host key is another one than in the file of known hosts'),
      hint: expect.stringContaining('somebody may be listening') as string,
    });
    expect(await says({ knownHostsFile: known, hostKeys: 'off' })).toMatchObject({ exit: { kind: 'code', code: 0 } });
    // The password goes to nobody who can't show the key.
    expect(await says({ ...withoutKey, knownHostsFile: known })).toMatchObject({
      error: expect.stringContaining('its host key is another one') as string,
    });
  });

  it.each(['dashed', 'noisy'])('runs scripts of a user with the shell of %s', async (user) => {
    const script = 'x=$(printf "%s" "a  b"); echo "$x" | cat; [ -n "$BASH_VERSION" ] && echo bash';
    expect(await says({ user }, script)).toMatchObject({
      exit: { kind: 'code', code: 0 },
      stdout: 'a  b\nbash\n',
      stderr: '',
    });
  });

  it('says what a shell said that runs nothing', async () => {
    expect(await says({ user: 'last' })).toMatchObject({
      error: expect.stringContaining('This account is gone.') as string,
    });
  });

  it('says that the disk there is full, and leaves nothing on it', async () => {
    const executor = make({}, { root: small });
    const session = await executor.open(job, collect(), never);
    const files = session.files;
    const big = files.write('big', Buffer.alloc(3 << 20), 0o600);
    await expect(big).rejects.toThrow(/can't write .*big.*No space left on device/s);
    const stdout = collect();
    const look = { script: 'ls; df -k . | tail -1', env: {}, stdout, stderr: collect() };
    await session.run(look, never);
    expect(stdout.text()).not.toContain('big');
    await session[Symbol.asyncDispose]();
    await executor.close();
    expect(await says({}, `ls -A ${small} | wc -l`)).toMatchObject({ stdout: '0\n' });
  });

  it('has the other end give up when it hears nothing for a while', async () => {
    const executor = make({}, { silenceMs: 2000 });
    const session = await executor.open(job, collect(), never);
    const tag = `7${Math.floor(Math.random() * 1e8)}`;
    const stdout = collect();
    const command = { script: `sleep ${tag} & echo up; wait`, env: {}, stdout, stderr: collect() };
    const running = session.run(command, never);
    running.catch(() => {});
    await stdout.says('up');
    const ours = execFileSync('pgrep', ['-f', `ControlPath=.*-p ${server!.port} `], { encoding: 'utf8' });
    const pids = ours.trim().split('\n').map(Number);
    // As when this machine sleeps or has lost its power.
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    try {
      await isGone(
        () => processesWith(`sleep ${tag}`).length === 0 && (!existsSync(jobs) || readdirSync(jobs).length === 0),
      );
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGCONT');
    }
    await expect(running).rejects.toThrow(/connection .* broke/);
    await session[Symbol.asyncDispose]();
    await executor.close();
  });

  it('tells that the connection was lost in the middle, and the other end tidies up', async () => {
    const sockets = new Set<Socket>();
    const between = createServer((socket) => {
      const on = connect(server!.port, '127.0.0.1');
      for (const one of [socket, on]) sockets.add(one.on('error', () => {}));
      socket.pipe(on).pipe(socket);
    });
    await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve));
    const { port } = between.address() as { readonly port: number };
    const executor = make({ port, hostKeys: 'off' });
    const session = await executor.open(job, collect(), never);
    const tag = `8${Math.floor(Math.random() * 1e8)}`;
    const stdout = collect();
    const running = session.run({ script: `sleep ${tag} & echo up; wait`, env: {}, stdout, stderr: collect() }, never);
    running.catch(() => {});
    await stdout.says('up');
    for (const socket of sockets) socket.destroy();
    await expect(running).rejects.toThrow(/the ssh connection to .* broke/);
    await isGone(
      () => processesWith(`sleep ${tag}`).length === 0 && (!existsSync(jobs) || readdirSync(jobs).length === 0),
    );
    await session[Symbol.asyncDispose]();
    await executor.close();
    between.close();
  });
});
