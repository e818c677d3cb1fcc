import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { createSshExecutor } from '../../src/executors/ssh/ssh-executor.ts';
import type { SshTarget } from '../../src/executors/ssh/ssh-target.ts';
import { removeTree } from '../../src/util/files/remove-tree.ts';
import { hasSshServer, startSshServer } from '../support/ssh-server.ts';
import { collect, jobSpec, never } from './contract.ts';
import { processesWith } from './support/processes.ts';

const place = mkdtempSync(join(tmpdir(), 'ci-sshd-'));
const server = hasSshServer ? await startSshServer(place, [`SetEnv HOME=${place}`]) : undefined;
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await removeTree(place);
});

describe.skipIf(server === undefined)('the executor ssh', () => {
  const make = (over: Partial<SshTarget> = {}) =>
    createSshExecutor({
      target: { ...server!.target, ...over },
      scratch: place,
      graceMs: 500,
      env: { PATH: process.env.PATH ?? '', HOME: place },
      retryMs: 10,
    });
  const job = jobSpec({ executor: 'ssh' });

  it('says why there is no connection, and tries again only where that may help', async () => {
    const tried = async (over: Partial<SshTarget>): Promise<{ readonly message: string; readonly tries: number }> => {
      const executor = make(over);
      const out = collect();
      const error = await executor.open(job, out, never).then(
        () => new Error('it connected'),
        (reason: Error) => reason,
      );
      await executor.close();
      return { message: error.message, tries: out.text().split('trying again').length };
    };
    const empty = join(place, 'empty');
    writeFileSync(empty, '');
    expect(await tried({ knownHostsFile: empty })).toMatchObject({
      message: expect.stringContaining('its host key is not known'),
      tries: 1,
    });
    expect(await tried({ identityFile: join(place, 'host') })).toMatchObject({
      message: expect.stringContaining('it does not let us in'),
      tries: 1,
    });
    expect(await tried({ port: 1 })).toMatchObject({ message: expect.stringContaining('no ssh server'), tries: 3 });
  });

  it('connects to a host that it does not know where that is allowed', async () => {
    const executor = make({ hostKeys: 'off', knownHostsFile: join(place, 'empty') });
    await using session = await executor.open(job, collect(), never);
    expect(session.directory).toContain('/.ci-jobs/');
    await session[Symbol.asyncDispose]();
    await executor.close();
    expect(existsSync(join(place, '.ci-jobs'))).toBe(false);
  });

  it('leaves no file and no process there when the connection is cut', async () => {
    const executor = make();
    const session = await executor.open(job, collect(), never);
    const stdout = collect();
    const tag = `6${Math.floor(Math.random() * 1e8)}`;
    const command = { script: `setsid sleep ${tag} & echo up; wait`, env: {}, stdout, stderr: collect() };
    const running = session.run(command, never);
    running.catch(() => {});
    await stdout.says('up');
    executor.kill();
    await expect(running).rejects.toThrow(/connection .* broke/);
    for (let tries = 0; tries < 100 && existsSync(join(place, '.ci-jobs')); tries++) await sleep(50);
    expect(existsSync(join(place, '.ci-jobs'))).toBe(false);
    expect(processesWith(`sleep ${tag}`)).toEqual([]);
    await session[Symbol.asyncDispose]();
    await executor.close();
  });
});
