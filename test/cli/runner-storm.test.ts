import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Fault } from '../gitlab-server/faults/fault.ts';
import { planFaults } from '../gitlab-server/faults/fault-plan.ts';
import type { GitlabServer } from '../gitlab-server/gitlab-server.ts';
import { type RunnerRoom, runnerRoom } from '../support/runner-room.ts';

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
  readonly pace?: object;
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

/** Each job leaves its name in a file each time it runs. */
const record = ({ home }: RunnerRoom): string => join(home, 'ran');
const ran = (room: RunnerRoom): readonly string[] => readFileSync(record(room), 'utf8').trimEnd().split('\n').sort();

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

const roomFor = ({ ackTimeoutMs }: Pick<Storm, 'ackTimeoutMs'>): RunnerRoom =>
  runnerRoom({ requestBodies: 'dropped', badChecksum: 'reject', ackTimeoutMs });

async function weather(room: RunnerRoom, storm: Storm): Promise<void> {
  const startedAt = performance.now();
  const { server, job, logOf } = room;
  const faults = faultsOf(storm);
  server.setFaults(planFaults({ seed: 'runner', rate: 0.3, inARow: 2, faults }));
  const names = Array.from({ length: storm.jobs }, (_, at) => `job-${at}`);
  room.addJobsWithoutSources(
    ...names.map((name) => ({
      name,
      retry: { max: 2, when: ['runner_provisioning_timeout'] },
      script: [
        `echo ${name} >> ${record(room)}`,
        `i=1; while [ $i -le ${storm.lines} ]; do echo "${name} says line $i of ${storm.lines}"; i=$((i+1)); done`,
      ],
    })),
  );
  const { concurrent, pace = 'users' } = storm;
  const runner = room.start({ global: `concurrent = ${concurrent}`, table: 'request_concurrency = 4', pace });
  await room.ends(...names);
  if (isLong) tell(server, faults, startedAt);
  const failed = names.filter((name) => job(name).status !== 'success');
  expect(failed.map((name) => [name, job(name).failureReason, logOf(name)])).toEqual([]);
  expect(ran(room)).toEqual([...names].sort());
  const logs = new Map(names.map((name) => [name, logOf(name)]));
  expect(names.filter((name) => said(logs.get(name)!, name) !== linesOf(name, storm.lines))).toEqual([]);
  // The whole log as the runner had it, its own lines too.
  expect(names.filter((name) => job(name).checksums.at(-1)?.valid !== true)).toEqual([]);
  expect(names.filter((name) => !logs.get(name)!.includes('Job succeeded'))).toEqual([]);
  const missed = Object.entries(faultsHit(server, faults)).filter(([, hits]) => hits === 0);
  expect(missed).toEqual([]);
  server.setFaults(undefined);
  runner.child.kill('SIGQUIT');
  expect((await runner.ended).code).toBe(0);
  expect(readdirSync(join(room.home, 'one', 'state', 'runner', 'traces'))).toEqual([]);
  expect(server.violations).toEqual([]);
}

describe('a storm of faults', () => {
  const room = roomFor(short);
  it('takes no result and no byte of a log, and has no job run twice', () => weather(room, short), short.limitMs);
});

describe.skipIf(!isLong)('a storm of 200 jobs with 10,000 lines each and hangs of 30 s', () => {
  const room = roomFor(whole);
  it('takes nothing at the pace that users have', () => weather(room, whole), whole.limitMs);
});

describe('two processes on one server', () => {
  const room = roomFor({ ackTimeoutMs: 4000 });
  const { addJobsWithoutSources, job, start, startAgain } = room;

  it('share its jobs; of the one that is killed none stays', { timeout: 90_000 }, async () => {
    const { server } = room;
    const { token } = server.addRunner();
    const names = Array.from({ length: isLong ? 100 : 60 }, (_, at) => `job-${at}`);
    const script = [`echo "$CI_JOB_NAME" >> ${record(room)}`, 'echo begun', 'test ! -e hold || sleep 60'];
    addJobsWithoutSources(...names.map((name) => ({ name, script })));
    const given = { token, global: 'concurrent = 4', table: 'request_concurrency = 4', pace: 'users' } as const;
    const { child } = start(given);
    start({ ...given, name: 'two' });
    const count = (status: string): number => names.filter((name) => job(name).status === status).length;
    await server.until(() => count('success') >= 30);
    child.kill('SIGKILL');
    await server.until(() => count('success') + count('running') === names.length);
    // What the dead one had is reported as failed by its next start.
    startAgain();
    await server.until(() => count('running') + count('pending') === 0);
    expect(count('success') + count('failed')).toBe(names.length);
    expect(count('failed')).toBeLessThanOrEqual(4);
    expect(new Set(ran(room)).size).toBe(ran(room).length);
    expect(server.violations).toEqual([]);
  });
});
