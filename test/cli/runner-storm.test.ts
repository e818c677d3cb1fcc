import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
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
import { jobLog } from '../support/job-log.ts';
import { removeOnceFree } from '../support/remove-once-free.ts';
import { type RunnerProcess, startRunner as startProcess } from '../support/runner-process.ts';

/** One storm: the whole one is measured by hand (`CI_TEST_LONG=1`), its short form waits less between tries. */
interface Storm {
  readonly jobs: number;
  readonly lines: number;
  readonly concurrent: number;
  /** Of faults after which the connection is cut: in the short form longer than a request waits. */
  readonly hangMs: number;
  /** Of faults after which the request is carried out. */
  readonly lateMs: number;
  /** As many a job as a lost answer of `jobs/request` takes away are handed out anew after this. */
  readonly ackTimeoutMs: number;
  /** `CI_RUNNER_PACE`; undefined: as users have it. */
  readonly pace?: unknown;
  readonly limitMs: number;
}

const whole: Storm = {
  ...{ jobs: 200, lines: 10_000, concurrent: 50, hangMs: 30_000, lateMs: 30_000, ackTimeoutMs: 120_000 },
  limitMs: 1_800_000,
};

const short: Storm = {
  ...{ jobs: 30, lines: 1000, concurrent: 10, hangMs: 2500, lateMs: 300, ackTimeoutMs: 5000 },
  pace: {
    network: { headersMs: 1000, backoffMinMs: 10, backoffMaxMs: 200 },
    trace: {
      ...{ updateIntervalMs: 50, maxUpdateIntervalMs: 200, forceSendMs: 300, patchBytes: 8192 },
      ...{ finalBackoffMinMs: 20, finalBackoffMaxMs: 200 },
    },
    acknowledge: { firstPauseMs: 20, longestPauseMs: 200 },
  },
  limitMs: 90_000,
};

const isLong = process.env['CI_TEST_LONG'] === '1';

let home: string;
let children: ChildProcess[];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'ci-storm-'));
  children = [];
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await removeOnceFree(home);
});

interface Started {
  readonly server: GitlabServer;
  readonly token: string;
  readonly name: string;
  readonly concurrent: number;
  readonly pace?: unknown;
}

function startRunner({ server, token, name, concurrent, pace }: Started): RunnerProcess {
  const text = `concurrent = ${concurrent}
check_interval = 1
[[runners]]
name = "${name}"
url = "${server.url}"
token = "${token}"
executor = "shell"
request_concurrency = 4
`;
  const env = { CI_RUNNER_PACE: pace === undefined ? '' : JSON.stringify(pace) };
  const runner = startProcess(join(home, name), text, env);
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

/** How often each fault has happened. */
function faultsHit(server: GitlabServer, faults: readonly Fault[]): Readonly<Record<string, number>> {
  const hits = new Map(faults.map((fault) => [JSON.stringify(fault), 0]));
  for (const { fault } of server.requests) {
    if (fault !== undefined) hits.set(JSON.stringify(fault), (hits.get(JSON.stringify(fault)) ?? 0) + 1);
  }
  return Object.fromEntries(hits);
}

/** What happened, for who asked for the whole storm. */
function tell(server: GitlabServer, faults: readonly Fault[], startedAt: number): void {
  const bytes = [...server.store.jobs.values()].reduce((sum, { traceSize }) => sum + traceSize, 0);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const figures = { seconds, requests: server.requests.length, logBytes: bytes, faults: faultsHit(server, faults) };
  process.stderr.write(`${JSON.stringify(figures, undefined, 2)}\n`);
}

const inPlace = (name: string): string => join(home, name, 'state', 'runner');

const faultsOf = ({ hangMs, lateMs }: Storm): readonly Fault[] => [
  { kind: 'drop-before' },
  { kind: 'drop-after' },
  { kind: 'half-response' },
  { kind: 'half-upload' },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 503 },
  { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
  { kind: 'hang', ms: lateMs, afterwards: 'handle' },
  { kind: 'hang', ms: hangMs, afterwards: 'drop' },
  { kind: 'late-answer', ms: 50 },
  { kind: 'slow', pieces: 3, pauseMs: 5 },
  { kind: 'restart', downMs: 20, when: 'before' },
  { kind: 'restart', downMs: 20, when: 'after' },
];

async function weather(storm: Storm): Promise<void> {
  const startedAt = performance.now();
  const faults = faultsOf(storm);
  const { ackTimeoutMs, concurrent, pace } = storm;
  const decideFault = planFaults({ seed: 'runner', rate: 0.3, inARow: 2, faults });
  await using server = await startServer({ decideFault, badChecksum: 'reject', ackTimeoutMs });
  const { token } = server.addRunner();
  const names = Array.from({ length: storm.jobs }, (_, at) => `job-${at}`);
  server.addPipeline({
    variables: { GIT_STRATEGY: 'none' },
    jobs: names.map((name) => ({
      name,
      retry: { max: 2, when: ['runner_provisioning_timeout'] },
      script: [
        `echo ${name} >> ${record()}`,
        `i=1; while [ $i -le ${storm.lines} ]; do echo "${name} says line $i of ${storm.lines}"; i=$((i+1)); done`,
      ],
    })),
  });
  const runner = startRunner({ server, token, name: 'one', concurrent, pace });
  const finished = ['success', 'failed', 'canceled'];
  await server.until(() => names.every((name) => finished.includes(server.job(name).status)));
  if (isLong) tell(server, faults, startedAt);
  const failed = names.filter((name) => server.job(name).status !== 'success');
  expect(failed.map((name) => [name, server.job(name).failureReason, jobLog(server.job(name))])).toEqual([]);
  expect(ran()).toEqual([...names].sort());
  const logs = new Map(names.map((name) => [name, jobLog(server.job(name))]));
  expect(names.filter((name) => said(logs.get(name)!, name) !== linesOf(name, storm.lines))).toEqual([]);
  // The whole log as the runner had it, its own lines too.
  expect(names.filter((name) => server.job(name).checksums.at(-1)?.valid !== true)).toEqual([]);
  expect(names.filter((name) => !logs.get(name)!.includes('Job succeeded'))).toEqual([]);
  const missed = Object.entries(faultsHit(server, faults)).filter(([, hits]) => hits === 0);
  expect(missed).toEqual([]);
  server.setFaults(undefined);
  runner.child.kill('SIGQUIT');
  expect((await runner.ended).code).toBe(0);
  expect(readdirSync(join(inPlace('one'), 'traces'))).toEqual([]);
  expect(server.violations).toEqual([]);
}

it(
  'loses no result and no byte of a log in a storm of faults, and runs no job twice',
  () => weather(short),
  short.limitMs,
);

it.skipIf(!isLong)(
  'weathers a storm of 200 jobs with 10,000 lines each and hangs of 30 s, at the pace that users have',
  () => weather(whole),
  whole.limitMs,
);

it('shares the jobs of a server with another process; of one that is killed none stays', {
  timeout: 90_000,
}, async () => {
  await using server = await startServer({ ackTimeoutMs: 4000 });
  const { token } = server.addRunner();
  const names = Array.from({ length: isLong ? 100 : 60 }, (_, at) => `job-${at}`);
  const script = [`echo "$CI_JOB_NAME" >> ${record()}`, 'echo begun', 'test ! -e hold || sleep 60'];
  server.addPipeline({ variables: { GIT_STRATEGY: 'none' }, jobs: names.map((name) => ({ name, script })) });
  startRunner({ server, token, name: 'one', concurrent: 4 });
  startRunner({ server, token, name: 'two', concurrent: 4 });
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
