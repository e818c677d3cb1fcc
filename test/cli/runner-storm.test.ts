import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Fault } from '../gitlab-server/faults/fault.ts';
import { planFaults } from '../gitlab-server/faults/fault-plan.ts';
import {
  type GitlabServer,
  startGitlabServer as start,
  type startGitlabServer,
} from '../gitlab-server/gitlab-server.ts';
import { traceOf } from '../gitlab-server/state/model.ts';
import { type RunnerProcess, startRunner as startProcess } from '../support/runner-process.ts';

const isLong = process.env['CI_TEST_LONG'] === '1';

let home: string;
let children: ChildProcess[];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'ci-storm-'));
  children = [];
});

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(home, { recursive: true, force: true });
});

function startRunner(server: GitlabServer, token: string, name: string, concurrent: number): RunnerProcess {
  const text = `concurrent = ${concurrent}
check_interval = 1
[[runners]]
name = "${name}"
url = "${server.url}"
token = "${token}"
executor = "shell"
request_concurrency = 4
`;
  const runner = startProcess(join(home, name), text);
  children.push(runner.child);
  return runner;
}

type Options = NonNullable<Parameters<typeof startGitlabServer>[0]>;

const startServer = (more: Options) =>
  start({ relativeUrl: '/gitlab', rateLimits: 'off', requestBodies: 'dropped', ...more });

/** Each job leaves its name in a file each time it runs. */
const record = (): string => join(home, 'ran');
const ran = (): readonly string[] => readFileSync(record(), 'utf8').trimEnd().split('\n').sort();

const linesOf = (name: string, count: number): string =>
  Array.from({ length: count }, (_, at) => `${name} says line ${at + 1} of ${count}\n`).join('');

/** What the job itself has written to its log, out of the server's copy. */
function said(log: string, name: string): string {
  const lines = log.split(/(?<=\n)/);
  return lines.filter((line) => line.startsWith(`${name} says`)).join('');
}

/** What happened, for who asked for the long form. */
function tell(server: GitlabServer): void {
  if (!isLong) return;
  const faults = new Map<string, number>();
  for (const { fault } of server.requests) {
    if (fault !== undefined) faults.set(fault.kind, (faults.get(fault.kind) ?? 0) + 1);
  }
  const bytes = [...server.store.jobs.values()].reduce((sum, { traceSize }) => sum + traceSize, 0);
  const figures = { requests: server.requests.length, logBytes: bytes, faults: Object.fromEntries(faults) };
  process.stderr.write(`${JSON.stringify(figures)}\n`);
}

const inPlace = (name: string): string => join(home, name, 'state', 'runner');

// Its pauses between tries are real ones: too long for every run of the tests.
it.skipIf(!isLong)(
  'loses no result and no byte of a log in a storm of faults, and runs no job twice',
  async () => {
    const size = isLong ? { jobs: 200, lines: 10_000, hangMs: 30_000 } : { jobs: 20, lines: 2000, hangMs: 400 };
    const faults: readonly Fault[] = [
      { kind: 'drop-before' },
      { kind: 'drop-after' },
      { kind: 'half-response' },
      { kind: 'half-upload' },
      { kind: 'status', status: 500 },
      { kind: 'status', status: 503 },
      { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
      { kind: 'hang', ms: size.hangMs, afterwards: 'handle' },
      { kind: 'hang', ms: size.hangMs, afterwards: 'drop' },
      { kind: 'late-answer', ms: 50 },
      { kind: 'slow', pieces: 3, pauseMs: 5 },
      { kind: 'restart', downMs: 20, when: 'before' },
      { kind: 'restart', downMs: 20, when: 'after' },
    ];
    const decideFault = planFaults({ seed: 'runner', rate: isLong ? 0.3 : 0.12, inARow: 2, faults });
    await using server = await startServer({
      decideFault,
      badChecksum: 'reject',
      // As many a job as a lost answer of `jobs/request` takes away are handed out anew after this.
      ackTimeoutMs: isLong ? 120_000 : 6000,
    });
    const { token } = server.addRunner();
    const names = Array.from({ length: size.jobs }, (_, at) => `job-${at}`);
    server.addPipeline({
      variables: { GIT_STRATEGY: 'none' },
      jobs: names.map((name) => ({
        name,
        retry: { max: 2, when: ['runner_provisioning_timeout'] },
        script: [
          `echo ${name} >> ${record()}`,
          `i=1; while [ $i -le ${size.lines} ]; do echo "${name} says line $i of ${size.lines}"; i=$((i+1)); done`,
        ],
      })),
    });
    const runner = startRunner(server, token, 'one', isLong ? 50 : 20);
    const finished = ['success', 'failed', 'canceled'];
    await server.until(() => names.every((name) => finished.includes(server.job(name).status)));
    tell(server);
    const failed = names.filter((name) => server.job(name).status !== 'success');
    expect(failed.map((name) => [name, server.job(name).failureReason, traceOf(server.job(name)).toString()])).toEqual(
      [],
    );
    expect(ran()).toEqual([...names].sort());
    const logs = new Map(names.map((name) => [name, traceOf(server.job(name)).toString()]));
    expect(names.filter((name) => said(logs.get(name)!, name) !== linesOf(name, size.lines))).toEqual([]);
    // The whole log as the runner had it, its own lines too.
    expect(names.filter((name) => server.job(name).checksums.at(-1)?.valid !== true)).toEqual([]);
    expect(names.filter((name) => !logs.get(name)!.includes('Job succeeded'))).toEqual([]);
    expect(server.requests.filter(({ fault }) => fault !== undefined).length).toBeGreaterThan(size.jobs / 2);
    server.setFaults(undefined);
    runner.child.kill('SIGQUIT');
    expect((await runner.ended).code).toBe(0);
    expect(readdirSync(join(inPlace('one'), 'traces'))).toEqual([]);
    expect(server.violations).toEqual([]);
  },
  isLong ? 1_800_000 : 90_000,
);

it('shares the jobs of a server with another process; of one that is killed none stays', {
  timeout: 90_000,
}, async () => {
  await using server = await startServer({ ackTimeoutMs: 4000 });
  const { token } = server.addRunner();
  const names = Array.from({ length: 100 }, (_, at) => `job-${at}`);
  const script = [`echo "$CI_JOB_NAME" >> ${record()}`, 'echo begun', 'test ! -e hold || sleep 60'];
  server.addPipeline({ variables: { GIT_STRATEGY: 'none' }, jobs: names.map((name) => ({ name, script })) });
  startRunner(server, token, 'one', 4);
  startRunner(server, token, 'two', 4);
  const count = (status: string): number => names.filter((name) => server.job(name).status === status).length;
  await server.until(() => count('success') >= 30);
  children[0]!.kill('SIGKILL');
  await server.until(() => count('success') + count('running') === names.length);
  // What the dead one had is reported as failed by its next start.
  const again = startProcess(join(home, 'one'), undefined);
  children.push(again.child);
  await server.until(() => count('running') + count('pending') === 0);
  expect(count('success') + count('failed')).toBe(names.length);
  expect(count('failed')).toBeLessThanOrEqual(4);
  expect(new Set(ran()).size).toBe(ran().length);
  expect(server.violations).toEqual([]);
});
