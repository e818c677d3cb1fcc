import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDockerExecutor } from '../../../src/executors/docker/docker-executor.ts';
import { findEngine } from '../../../src/executors/docker/engine.ts';
import { removeTree } from '../../../src/util/files/remove-tree.ts';
import { findProgram } from '../../../src/util/find-program.ts';
import { runCommand } from '../../../src/util/process-command.ts';
import { collect, jobSpec, never, run } from '../contract.ts';
import { freePort } from '../support/dockerd.ts';
import { labelled, testEngine } from '../support/engine.ts';

const engine = await testEngine();
const path = `${process.env.PATH}:/usr/sbin`;
const sshd = findProgram('sshd', path);
const missing =
  engine?.isLocal !== true
    ? 'there is no local engine'
    : ['ssh', 'sshd', 'ssh-keygen', 'docker'].find((name) => findProgram(name, path) === undefined);
if (missing !== undefined) console.error(`!!! TESTS OF SSH ARE SKIPPED: ${missing} is not there`);
const place = mkdtempSync(join(tmpdir(), 'ci-ssh-'));
let server: ChildProcess | undefined;
afterAll(async () => {
  if (server !== undefined && server.exitCode === null) {
    const gone = once(server, 'exit');
    server.kill();
    await gone;
  }
  await removeTree(place);
});

describe.skipIf(missing !== undefined)('an engine behind ssh', () => {
  let port: number;
  const file = (name: string): string => join(place, name);
  const user = userInfo().username;

  /** An environment whose `ssh` reads a configuration of the test's: a real one reads that of the user's home. */
  const environment = (name: string, config: string): Record<string, string> => {
    const bin = file(name);
    mkdirSync(bin);
    writeFileSync(join(bin, 'config'), config);
    writeFileSync(join(bin, 'ssh'), `#!/bin/sh\nexec ${findProgram('ssh', path)} -F ${bin}/config "$@"\n`);
    chmodSync(join(bin, 'ssh'), 0o755);
    return { PATH: `${bin}:${path}`, HOME: place };
  };
  const config = (over: readonly string[] = []): string =>
    [
      ...over,
      'Host far',
      '  HostName 127.0.0.1',
      `  Port ${port}`,
      `  User ${user}`,
      'Host *',
      `  IdentityFile ${file('key')}`,
      '  IdentitiesOnly yes',
      '  GlobalKnownHostsFile none',
      `  UserKnownHostsFile ${file('known_hosts')}`,
    ].join('\n');

  beforeAll(async () => {
    const keygen = async (name: string): Promise<void> => {
      const argv = ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', file(name)];
      const { code, stderr } = await runCommand(argv, { env: { PATH: path } });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    };
    for (const name of ['host', 'key', 'other']) await keygen(name);
    writeFileSync(file('authorized'), readFileSync(file('key.pub')));
    port = await freePort();
    writeFileSync(
      file('sshd_config'),
      [
        `Port ${port}`,
        'ListenAddress 127.0.0.1',
        `HostKey ${file('host')}`,
        `AuthorizedKeysFile ${file('authorized')}`,
        'PasswordAuthentication no',
        'KbdInteractiveAuthentication no',
        'PermitRootLogin prohibit-password',
        'StrictModes no',
        'UsePAM no',
        `PidFile ${file('pid')}`,
        `SetEnv DOCKER_HOST=${engine!.text} PATH=${path}`,
      ].join('\n'),
    );
    if (process.getuid?.() === 0 && !existsSync('/run/sshd')) mkdirSync('/run/sshd', { mode: 0o755 });
    server = spawn(sshd!, ['-D', '-e', '-f', file('sshd_config')], { stdio: 'ignore' });
    await listening(port);
    const [type, key] = readFileSync(file('host.pub'), 'utf8').split(' ');
    writeFileSync(file('known_hosts'), `[127.0.0.1]:${port} ${type} ${key}\n`);
  });

  it('runs a job, with the user, port and key of the own configuration', async () => {
    const runId = `ssh-${process.pid}`;
    const location = { home: place, host: 'ssh://far', environment: environment('right', config()) };
    const executor = createDockerExecutor({ engine: location, pull: 'never', graceMs: 500 });
    const image = { name: 'ci-test/busybox', span: { file: '.ci.yml', start: 0, end: 0 } };
    const tree = file('tree');
    mkdirSync(tree);
    writeFileSync(join(tree, 'source'), 'from here\n');
    {
      await using session = await executor.open(jobSpec({ runId, executor: 'docker', image }), collect(), never);
      await session.files.put({ root: tree, immutable: true }, '.', never);
      const ran = await run(session, 'cat source; echo "$V" >&2; echo made > made; exit 3', { env: { V: 'value' } });
      expect(ran).toMatchObject({ exit: { kind: 'code', code: 3 } });
      expect([ran.stdout.toString(), ran.stderr.toString()]).toEqual(['from here\n', 'value\n']);
      expect((await run(session, `head -c 3000000 /dev/zero`)).stdout.length).toBe(3_000_000);
      expect(Buffer.from((await session.files.read('made', 10))!).toString()).toBe('made\n');
      const stdout = collect();
      const background = { script: 'echo up; sleep 1000', env: {}, stdout, stderr: collect(), background: true };
      await session.run(background, never);
      await stdout.says('up');
      const cancel = new AbortController();
      const second = collect();
      const sleeping = { script: 'echo ready; sleep 1000', env: {}, stdout: second, stderr: collect() };
      const running = session.run(sleeping, cancel.signal);
      await second.says('ready');
      cancel.abort();
      expect(await running).not.toEqual({ kind: 'code', code: 0 });
    }
    await executor.close();
    expect(await labelled(engine!.api, runId)).toEqual([]);
  });

  const problemOf = async (host: string, env: Record<string, string>): Promise<string | undefined> =>
    (await findEngine({ home: place, host, environment: env })).attempts[0]!.problem;

  it('takes a socket with any name on the other side', async () => {
    const socket = file("a socket; touch $(dirname 'x')");
    symlinkSync(engine!.text.replace('unix://', ''), socket);
    expect(await problemOf(`ssh://far${encodeURI(socket)}`, environment('socket', config()))).toBe(undefined);
  });

  it('says what is wrong with the host, its key, ours, and the other side', async () => {
    const unknown = config([`UserKnownHostsFile ${file('nobody_known')}`]);
    expect(await problemOf('ssh://far', environment('unknown', unknown))).toBe(
      "ssh does not know the host's key yet: connect once by hand with `ssh far`",
    );
    const [type, key] = readFileSync(file('other.pub'), 'utf8').split(' ');
    writeFileSync(file('changed'), `[127.0.0.1]:${port} ${type} ${key}\n`);
    const changed = config([`UserKnownHostsFile ${file('changed')}`]);
    expect(await problemOf('ssh://far', environment('changed-key', changed))).toMatch(/the host key has changed/);
    const refused = config([`IdentityFile ${file('other')}`]).replace(`  IdentityFile ${file('key')}\n`, '');
    expect(await problemOf(`ssh://${user}@far:${port}`, environment('refused', refused))).toMatch(
      new RegExp(`Permission denied .*: try \`ssh -p ${port} ${user}@far\``),
    );
    const right = environment('right-too', config());
    expect(await problemOf(`ssh://far${file('none.sock')}`, right)).toMatch(/none\.sock/);
    const nobody = await freePort();
    expect(await problemOf(`ssh://127.0.0.1:${nobody}`, right)).toMatch(/Connection refused/);
    expect(await problemOf('ssh://far', { PATH: '/nonexistent' })).toBe('the program `ssh` is not installed');
    await expect(findEngine({ home: place, host: 'ssh://-oProxyCommand=touch%20x' })).rejects.toThrow(/names no host/);
  });
});

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const socket = connect(port, '127.0.0.1');
    const answer = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (answer) return;
    await sleep(50);
  }
  throw new Error('sshd does not listen');
}
