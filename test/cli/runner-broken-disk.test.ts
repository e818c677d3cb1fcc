import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { smallRepository } from '../support/runner-process.ts';
import { runnerRoom } from '../support/runner-room.ts';

const room = runnerRoom();
const { addJobsWithoutSources, ends, job, logOf, start } = room;

const place = (name: string): string => join(room.home, 'one', 'state', 'runner', name);

/** Where a directory should be there is a file. */
function obstruct(name: string): void {
  rmSync(place(name), { recursive: true, force: true });
  mkdirSync(place('.'), { recursive: true });
  writeFileSync(place(name), '');
}

/** A disk of 4 MB for the runner's things. @returns undefined where we may not. */
function smallDisk(): Disposable | undefined {
  const path = join(room.home, 'one', 'state');
  mkdirSync(path, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return { [Symbol.dispose]: () => void execFileSync('umount', ['-l', path]) };
}

const addJob = (): void => addJobsWithoutSources({ name: 'job', script: ['true'] });

describe('a runner whose disk fails', () => {
  it('says so at the start where it can keep nothing', async () => {
    obstruct('processes');
    const { code, output } = await start().ended;
    expect(code).toBe(4);
    expect(output).toContain(place('processes'));
  });

  it('reports a job whose log it can not keep, also where the server misses that at first', async () => {
    obstruct('traces');
    addJob();
    room.server.setFaults(({ route, nth }) =>
      route === 'update-job' && nth < 2 ? { kind: 'drop-before' } : undefined,
    );
    const runner = start();
    await ends('job');
    expect(job('job')).toMatchObject({ status: 'failed', failureReason: 'runner_system_failure' });
    expect(runner.output()).toContain(place('traces'));
    expect(room.server.violations).toEqual([]);
  });

  it('reports a job for whose sources there is no place any more, and says why in its log', async () => {
    const runner = start();
    await runner.said(/Configuration loaded/);
    await room.server.until(() => room.server.requests.some(({ route }) => route === 'jobs-request'));
    obstruct('builds');
    addJob();
    await ends('job');
    expect(job('job')).toMatchObject({ status: 'failed', failureReason: 'runner_system_failure' });
    expect(logOf('job')).toContain(place('builds'));
    expect(room.server.violations).toEqual([]);
  });

  it('fails jobs that fill it, says so in their logs, and goes on', async ({ skip }) => {
    using disk = smallDisk();
    if (disk === undefined) skip();
    const runner = start({ table: 'output_limit = 100000' });
    const endOf = async (name: string): Promise<string | undefined> => {
      await ends(name);
      return job(name).failureReason ?? job(name).status;
    };
    addJobsWithoutSources({ name: 'print', script: ['echo first', 'yes | head -c 10000000'] });
    expect(await endOf('print')).toBe('runner_system_failure');
    expect(logOf('print')).toMatch(/first\n.*ERROR: Job failed \(system failure\): .*no space left/s);
    const repository = smallRepository(join(room.home, 'large'), { large: randomBytes(5_000_000) });
    room.server.addPipeline(
      { jobs: [{ name: 'fetch', script: ['true'] }] },
      room.server.addProject({ path: 'group/large', repository }),
    );
    expect(await endOf('fetch')).toBe('runner_system_failure');
    expect(logOf('fetch')).toContain('ERROR: Job failed (system failure): git fetch failed: no space left');
    addJobsWithoutSources({ name: 'remove', script: [`rm -rf ${place('builds')} ${place('processes')}/*/w`] });
    expect(await endOf('remove')).toBe('success');
    addJobsWithoutSources({ name: 'after', script: ['true'] });
    expect(await endOf('after')).toBe('success');
    runner.child.kill('SIGTERM');
    await runner.ended;
    expect(room.server.violations).toEqual([]);
  });
});
