import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createClient } from '../../../src/runner/network/create-client.ts';
import { type ResumeGiven, resumeLeftTraces } from '../../../src/runner/trace/resume-traces.ts';
import { takeLeftTraces } from '../../../src/runner/trace/trace-record.ts';
import { info, networkGiven } from '../support/network.ts';
import { type ScriptedServer, scriptedServer } from '../support/scripted-server.ts';
import { hurryingClock, taken, told, traceStage } from '../support/trace-server.ts';

const place = mkdtempSync(join(tmpdir(), 'runner-resume-'));
const program = join(place, 'runner.mjs');
afterAll(() => rmSync(place, { recursive: true, force: true }));

const source = (name: string): string => fileURLToPath(new URL(`../../../src/${name}`, import.meta.url));

beforeAll(async () => {
  const entry = join(place, 'entry.ts');
  writeFileSync(
    entry,
    `import { openJobTrace } from ${JSON.stringify(source('runner/trace/job-trace.ts'))};
import { createClient } from ${JSON.stringify(source('runner/network/create-client.ts'))};
import { tryLock } from ${JSON.stringify(source('stores/lock-files.ts'))};
import { systemClock as clock } from ${JSON.stringify(source('util/clock.ts'))};
const [url, directory, how, lines] = process.argv.slice(2);
const log = () => {};
if (how?.endsWith('.lock')) {
  await tryLock(how, 'x');
  process.stdout.write('held\\n');
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}
const identity = { name: 'x', version: '1', revision: '', platform: '', architecture: '' };
const client = createClient({ url, token: 'r' }, { identity, log, clock, random: () => 0, env: {} });
const trace = await openJobTrace({
  client, clock, log, directory, info: {}, server: { url }, job: { id: 9, token: 'j' }, systemId: 's', debugTrace: 'off', lines,
  limits: { updateIntervalMs: 20 },
});
trace.start();
await trace.sink.write(Buffer.from('first\\n'));
process.stdout.write('written\\n');
process.stdin.once('data', async () => {
  await trace.sink.write(Buffer.from('second\\n'));
  if (how === 'ended') trace.finish({ state: 'failed', failureReason: 'script_failure', exitCode: 7 });
  else process.stdout.write('all\\n');
});
`,
  );
  await build({
    entryPoints: [entry],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
});

/** A server that keeps the log, and hangs at reports of a result while `hangs`. */
async function server(): Promise<{
  readonly it: ScriptedServer;
  kept: string;
  hangs: boolean;
  onAsked(asked: string): void;
}> {
  const state = { kept: '', hangs: true, onAsked: (_asked: string): void => {} };
  const it = await scriptedServer(async (seen) => {
    state.onAsked(told(seen));
    if (seen.method === 'PUT') {
      if (state.hangs && seen.json()['state'] !== 'running') await new Promise(() => {});
      return { status: 200 };
    }
    const start = Number(String(seen.headers['content-range']).split('-')[0]);
    if (start !== state.kept.length) return { status: 416, headers: { Range: `0-${state.kept.length}` } };
    state.kept += seen.body.toString();
    return { status: 202 };
  });
  return Object.assign(state, { it });
}

function asked(of: { onAsked(asked: string): void }, what: RegExp): Promise<void> {
  return new Promise((resolve) => {
    of.onAsked = (one) => {
      if (what.test(one)) resolve();
    };
  });
}

/** Whoever is killed while it writes may leave a half. */
function left(directory: string): readonly string[] {
  return readdirSync(directory).filter((name) => !name.startsWith('.tmp-'));
}

async function said(child: ChildProcess, word: string): Promise<void> {
  let text = '';
  for await (const chunk of child.stdout!) {
    text += String(chunk);
    if (text.includes(word)) return;
  }
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

function given(directory: string): ResumeGiven {
  const network = networkGiven({ clock: hurryingClock() });
  const clientFor: ResumeGiven['clientFor'] = (to) => createClient({ ...to, token: '' }, network);
  return { directory, clientFor, info, clock: network.clock, log: network.log };
}

const farewell = '\x1b[31;1mERROR: Job failed (system failure): the runner ended while the job was running\x1b[0;m\n';

it.each([
  { lines: 'plain', torn: '', rest: farewell },
  { lines: 'plain', torn: 'thi', rest: `\n${farewell}` },
  { lines: 'stamped', torn: '', rest: `TIME 00O ${farewell}` },
  { lines: 'stamped', torn: '2026-01-0', rest: `\nTIME 00O ${farewell}` },
])(
  'reports a job failed whose runner was killed, with its log so far ($lines, $torn)',
  async ({ lines, torn, rest }) => {
    const directory = join(place, `running-${lines}-${torn}`);
    const stage = await server();
    await using it = stage.it;
    const first = asked(stage, /^patch 0 .*first\n$/);
    const args = [program, it.url, directory, 'running', lines];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    await first;
    child.stdin!.write('x');
    // What was written lies on disk, sent or not.
    await said(child, 'all');
    await kill(child);
    const log = readdirSync(directory).find((name) => name.endsWith('.log'))!;
    appendFileSync(join(directory, log), torn);
    stage.hangs = false;
    // Two start at the same time: one of them does it.
    const both = await Promise.all([resumeLeftTraces(given(directory)), resumeLeftTraces(given(directory))]);
    expect(both.flat()).toMatchObject([
      { job: { id: 9, token: 'j' }, result: { state: 'failed' }, reported: { kind: 'reported' } },
    ]);
    const header = lines === 'plain' ? '' : 'TIME 00O ';
    const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/gm;
    expect(stage.kept.replace(time, 'TIME')).toBe(`${header}first\n${header}second\n${torn}${rest}`);
    const last = it.seen.at(-1)!.json();
    expect(last).toMatchObject({ state: 'failed', failure_reason: 'runner_system_failure', token: 'j' });
    expect(last).toMatchObject({ output: { bytesize: stage.kept.length } });
    expect(left(directory)).toEqual([]);
  },
);

it('reports a job as it ended where only the report was missing', async () => {
  const directory = join(place, 'ended');
  const stage = await server();
  await using it = stage.it;
  const first = asked(stage, /^patch 0 first\n$/);
  const child = spawn(process.execPath, [program, it.url, directory, 'ended', 'plain'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await first;
  const reporting = asked(stage, /^put failed$/);
  child.stdin!.write('x');
  await reporting;
  await kill(child);
  stage.hangs = false;
  const resumed = await resumeLeftTraces(given(directory));
  expect(resumed).toMatchObject([{ result: { failureReason: 'script_failure', exitCode: 7 } }]);
  expect(stage.kept).toBe('first\nsecond\n');
  expect(it.seen.at(-1)!.json()).toMatchObject({ state: 'failed', failure_reason: 'script_failure', exit_code: 7 });
  expect(left(directory)).toEqual([]);
});

it('gives a log to one of many, also where one was killed at taking it', async () => {
  const directory = join(place, 'contested');
  mkdirSync(directory);
  const gone = spawnSync(process.execPath, ['-e', '']).pid;
  const record = { version: 1, owner: { pid: gone, started: '1', boot: '' }, job: { id: 4, token: 'j' } };
  const lock = join(directory, '4-ab.lock');
  for (let round = 0; round < 3; round++) {
    writeFileSync(join(directory, '4-ab.json'), JSON.stringify(record));
    const taker = spawn(process.execPath, [program, '', directory, lock], { stdio: ['pipe', 'pipe', 'inherit'] });
    await said(taker, 'held');
    // As long as it lives it may still do it.
    expect(await takeLeftTraces(directory)).toEqual([]);
    await kill(taker);
    const taken = await Promise.all(Array.from({ length: 16 }, () => takeLeftTraces(directory)));
    expect(taken.flat().length).toBeLessThanOrEqual(1);
    // Who was disturbed by the others looks once more, as runners do.
    expect([...taken.flat(), ...(await takeLeftTraces(directory))]).toHaveLength(1);
  }
});

it('sends again what its own process could not report, with all that it knows', async () => {
  const directory = join(place, 'lost');
  let isAway = true;
  await using stage = await traceStage(directory, (asked) => (isAway ? { status: 500 } : taken(asked)), {
    limits: { finalTries: 2 },
  });
  const { trace, server } = stage;
  await trace.sink.write(Buffer.from('all of it\n'));
  const failed = { state: 'failed', failureReason: 'script_failure', exitCode: 7 } as const;
  expect(await trace.finish(failed)).toMatchObject({ kind: 'lost' });
  // As often as it takes, with the tries of each time.
  const again = () => resumeLeftTraces({ ...given(directory), limits: { finalTries: 2 } });
  expect(await again()).toMatchObject([{ reported: { kind: 'lost' } }]);
  isAway = false;
  expect(await again()).toMatchObject([{ result: failed, reported: { kind: 'reported' } }]);
  const last = server.seen.slice(-2);
  expect(last.map(told)).toEqual(['patch 0 all of it\n', 'put failed']);
  expect(last[1]!.json()).toMatchObject({ failure_reason: 'script_failure', exit_code: 7 });
  expect(await again()).toEqual([]);
  expect(left(directory)).toEqual([]);
});

it('removes what is of no use, but nothing that is just being made', async () => {
  const directory = join(place, 'halves');
  mkdirSync(directory);
  const names = ['.tmp-12-ab', '.tmp-13-ab', '4-ab.log', '5-ab.log', '6-ab.log', '6-ab.json', 'notes.txt', '7-ab.log'];
  mkdirSync(join(directory, '8-ab.lock'));
  utimesSync(join(directory, '8-ab.lock'), 1, 1);
  for (const name of names) writeFileSync(join(directory, name), '{}');
  const longAgo = new Date(Date.now() - 600_000);
  for (const name of names.filter((one) => !one.includes('13') && !one.startsWith('5'))) {
    utimesSync(join(directory, name), longAgo, longAgo);
  }
  // The clock was set back since then.
  const ahead = new Date(Date.now() + 86_400_000);
  utimesSync(join(directory, '7-ab.log'), ahead, ahead);
  expect(await resumeLeftTraces(given(directory))).toEqual([]);
  expect(readdirSync(directory).sort()).toEqual(['.tmp-13-ab', '5-ab.log', '6-ab.json', '6-ab.log', 'notes.txt']);
});

it('finds nothing where nothing is', async () => {
  expect(await resumeLeftTraces(given(join(place, 'nowhere')))).toEqual([]);
});
