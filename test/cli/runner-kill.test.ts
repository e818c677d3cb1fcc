import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findByVariable, markerName } from '../../src/util/process-strays.ts';
import { labelled, testEngine } from '../executors/support/engine.ts';
import { type GitlabServer, startGitlabServer } from '../gitlab-server/gitlab-server.ts';
import { jobLog } from '../support/job-log.ts';
import { killWithReaper } from '../support/reaper.ts';
import { removeOnceFree } from '../support/remove-once-free.ts';
import { type RunnerProcess, smallRepository, startRunner } from '../support/runner-process.ts';

const engine = await testEngine();

let home: string;
let server: GitlabServer;
let children: ChildProcess[];

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'ci-kill-'));
  server = await startGitlabServer({ rateLimits: 'off' });
  children = [];
});

afterEach(async () => {
  server.setFaults(undefined);
  for (const child of children) child.kill('SIGTERM');
  await server[Symbol.asyncDispose]();
  await removeOnceFree(home);
});

const pace = { trace: { updateIntervalMs: 100, maxUpdateIntervalMs: 200 }, dead: { lookEveryMs: 500 } };

const state = (): string => join(home, 'one', 'state', 'runner');

function start(executor: string, more: Readonly<Record<string, string>> = {}): RunnerProcess {
  const isFirst = !existsSync(join(home, 'one', 'config', 'runner.toml'));
  const env = { CI_RUNNER_PACE: JSON.stringify(pace), ...more };
  const runner = startRunner(join(home, 'one'), isFirst ? fileOf(executor) : undefined, env);
  children.push(runner.child);
  return runner;
}

function fileOf(executor: string): string {
  const socket = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock';
  return `concurrent = 1
check_interval = 1
[[runners]]
name = "one"
url = "${server.url}"
token = "${server.addRunner().token}"
executor = "${executor}"
[runners.docker]
host = "${socket}"
image = "ci-test/busybox:latest"
pull_policy = ["if-not-present"]
`;
}

function addJob(script: readonly string[]): void {
  const project = server.addProject({ repository: smallRepository(join(home, 'project')) });
  const artifacts = { paths: ['out'] };
  server.addPipeline({ jobs: [{ name: 'job', script: [...script], artifacts }] }, project);
}

const logOf = (): string => jobLog(server.job('job'));
/** Final updates that say so, whoever sent them. */
const failures = (): number => server.job('job').history.filter(({ status }) => status === 'failed').length;

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
  server.setFaults((asked) => (asked.route === route ? { kind: 'hang', ms: 600_000, afterwards: 'drop' } : undefined));
  addJob(['mkdir out; echo made > out/file; echo the script has begun', ...(phase === 'script' ? ['sleep 600'] : [])]);
  const runner = start(executor);
  const isThere = (): boolean =>
    phase === 'clone' ? server.job('job').status === 'running' : logOf().includes('the script has begun');
  const asked = (): boolean => route === 'none' || server.requests.some((request) => request.route === route);
  await server.until(() => isThere() && asked());
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
      server.setFaults(undefined);
      start(executor);
      await server.until(() => server.job('job').status === 'failed');
      expect(server.job('job').failureReason).toBe('runner_system_failure');
      if (at !== 'clone') expect(logOf()).toContain('the script has begun');
      expect(logOf()).toContain('the runner ended while the job was running');
      await expectNothingLeft(runner.child.pid!, 'one process');
      // Halves of records go when nobody can be writing them any more.
      expect(readdirSync(join(state(), 'traces')).filter((name) => !name.startsWith('.tmp-'))).toEqual([]);
      expect(failures()).toBe(1);
      expect(server.violations).toEqual([]);
    },
  );

  it.skipIf(!isThere)('lets its reaper remove what it left, also at the engine of [runners.docker]', async () => {
    addJob(['echo the script has begun', 'sleep 600']);
    // Wrong on purpose: the runner's file counts.
    const runner = start(executor, { DOCKER_HOST: 'unix:///nowhere' });
    await server.until(() => logOf().includes('the script has begun'));
    runner.child.kill('SIGKILL');
    await runner.ended;
    await expectNothingLeft(runner.child.pid!, 'no other process');
  });
});

it('is noticed by another process of the home, which reports the job once', { timeout: 60_000 }, async () => {
  addJob(['echo the script has begun', 'sleep 600']);
  const first = start('shell');
  await server.until(() => logOf().includes('the script has begun'));
  start('shell');
  start('shell');
  killWithReaper(first.child.pid!);
  await first.ended;
  await server.until(() => server.job('job').status === 'failed');
  expect(server.job('job').failureReason).toBe('runner_system_failure');
  expect(logOf().match(/the runner ended while the job was running/g)).toHaveLength(1);
  expect(failures()).toBe(1);
  expect(server.violations).toEqual([]);
});
