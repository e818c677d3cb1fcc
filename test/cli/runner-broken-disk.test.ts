import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
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
});
