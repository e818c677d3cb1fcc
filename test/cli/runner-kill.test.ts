import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { findByVariable, markerName } from '../../src/util/process-strays.ts';
import { labelled, testEngine } from '../executors/support/engine.ts';
import { killWithReaper } from '../support/reaper.ts';
import type { RunnerProcess } from '../support/runner-process.ts';
import { runnerRoom } from '../support/runner-room.ts';

const engine = await testEngine();

const room = runnerRoom();
const { addJobs, ends, job, logOf, says, startAgain } = room;

const pace = { trace: { updateIntervalMs: 100, maxUpdateIntervalMs: 200 }, dead: { lookEveryMs: 500 } };

const state = (): string => join(room.home, 'one', 'state', 'runner');

function start(executor: string, env: Readonly<Record<string, string>> = {}): RunnerProcess {
  const host = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock';
  const docker = `host = "${host}"\nimage = "ci-test/busybox:latest"\npull_policy = ["if-not-present"]`;
  return room.start({ global: 'concurrent = 1', executor, table: `[runners.docker]\n${docker}`, pace, env });
}

const addJob = (script: readonly string[]): void =>
  addJobs({ name: 'job', script: [...script], artifacts: { paths: ['out'] } });

/** Final updates that say so, whoever sent them. */
const failures = (): number => job('job').history.filter(({ status }) => status === 'failed').length;

/** Waits until nothing is there but the place of who is living. */
async function expectNothingLeft(pid: number, living: 'one process' | 'no other process'): Promise<void> {
  const processes = join(state(), 'processes');
  let found: readonly unknown[] = ['not looked yet'];
  for (let tries = 0; found.length > 0 && tries < 150; tries += 1) {
    await sleep(100);
    found = [
      ...findByVariable(markerName, `${processes}/`),
      ...(engine === undefined ? [] : await labelled(engine.api, { pid })),
      ...readdirSync(processes).slice(living === 'one process' ? 1 : 0),
    ];
  }
  expect(found).toEqual([]);
}

const phases = ['clone', 'script', 'artifact upload'] as const;

/** Runs a job up to a phase in which it stays. */
async function runUpTo(phase: (typeof phases)[number], executor: string): Promise<RunnerProcess> {
  const route = { clone: 'git', script: 'none', 'artifact upload': 'upload-artifact' }[phase];
  room.server.setFaults((asked) =>
    asked.route === route ? { kind: 'hang', ms: 600_000, afterwards: 'drop' } : undefined,
  );
  addJob(['mkdir out; echo made > out/file; echo the script has begun', ...(phase === 'script' ? ['sleep 600'] : [])]);
  const runner = start(executor);
  const isThere = (): boolean =>
    phase === 'clone' ? job('job').status === 'running' : logOf('job').includes('the script has begun');
  const asked = (): boolean => route === 'none' || room.server.requests.some((request) => request.route === route);
  await room.server.until(() => isThere() && asked());
  return runner;
}

describe.each([
  { executor: 'shell', isThere: true },
  { executor: 'docker', isThere: engine !== undefined },
])('kill -9 of a runner with $executor', { timeout: 60_000 }, ({ executor, isThere }) => {
  it.skipIf(!isThere).each(phases)(
    'and of its reaper during %s: the next start reports and removes all',
    async (at) => {
      const runner = await runUpTo(at, executor);
      killWithReaper(runner.child.pid!);
      await runner.ended;
      room.server.setFaults(undefined);
      startAgain({ pace });
      await ends('job');
      expect(job('job').failureReason).toBe('runner_system_failure');
      if (at !== 'clone') expect(logOf('job')).toContain('the script has begun');
      expect(logOf('job')).toContain('the runner ended while the job was running');
      await expectNothingLeft(runner.child.pid!, 'one process');
      // Halves of records go when nobody can be writing them any more.
      expect(readdirSync(join(state(), 'traces')).filter((name) => !name.startsWith('.tmp-'))).toEqual([]);
      expect(failures()).toBe(1);
      expect(room.server.violations).toEqual([]);
    },
  );

  it.skipIf(!isThere)('lets its reaper remove what it left, also at the engine of [runners.docker]', async () => {
    addJob(['echo the script has begun', 'sleep 600']);
    // Wrong on purpose: the runner's file counts.
    const runner = start(executor, { DOCKER_HOST: 'unix:///nowhere' });
    await says('job', 'the script has begun');
    runner.child.kill('SIGKILL');
    await runner.ended;
    await expectNothingLeft(runner.child.pid!, 'no other process');
  });
});

it('is noticed by another process of the room.home, which reports the job once', { timeout: 60_000 }, async () => {
  addJob(['echo the script has begun', 'sleep 600']);
  const first = start('shell');
  await says('job', 'the script has begun');
  startAgain({ pace });
  startAgain({ pace });
  killWithReaper(first.child.pid!);
  await first.ended;
  await ends('job');
  expect(job('job').failureReason).toBe('runner_system_failure');
  expect(logOf('job').match(/the runner ended while the job was running/g)).toHaveLength(1);
  expect(failures()).toBe(1);
  expect(room.server.violations).toEqual([]);
});
