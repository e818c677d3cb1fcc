import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createClient } from '../../../src/runner/network/create-client.ts';
import { Spool } from '../../../src/runner/trace/spool.ts';
import { defaultTraceLimits, forceSendMsOf } from '../../../src/runner/trace/trace-limits.ts';
import { TraceSender } from '../../../src/runner/trace/trace-sender.ts';
import { describeRows, type Row, rowsOf } from '../support/corpus.ts';
import { info, networkGiven } from '../support/network.ts';
import { inTurn, type Scripted, scriptedServer } from '../support/scripted-server.ts';
import { hurryingClock, taken, traceStage } from '../support/trace-server.ts';

const directory = mkdtempSync(join(tmpdir(), 'runner-trace-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const success = { state: 'success' } as const;
const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve())));

/** What a row's list says to answer, one by one; what is asked has to be what the row says. */
function script(list: readonly Record<string, unknown>[]): (asked: string) => Scripted {
  const left = [...list];
  return (asked) => {
    const [one] = left;
    if (one === undefined) throw new Error(`nothing more was to be asked: ${asked}`);
    left.shift();
    const answer = Object.values(one)[0];
    if (typeof answer === 'number') return { status: answer };
    if (answer === 'abort') return { status: 403 };
    const { status, ...headers } = answer as { status: number };
    return { status, headers: headers as unknown as Record<string, string> };
  };
}

const ways: Record<string, (row: Row) => Promise<void>> = {
  'trace.ignore_status_change': async () => {
    await using stage = await traceStage(directory);
    stage.trace.start();
    const first = stage.trace.finish(success);
    const second = stage.trace.finish({ state: 'failed', failureReason: 'script_failure', exitCode: 1 });
    expect([await first, await second]).toEqual([{ kind: 'reported' }, { kind: 'reported' }]);
    expect(stage.sequence.filter((asked) => asked !== 'put running')).toEqual(['put success']);
  },
  'trace.runtime_environment_key.set': async ({ given, expected }) => {
    await using stage = await traceStage(directory, undefined, { runtimeEnvironmentKey: given.environment_key });
    await stage.trace.finish(success);
    const key = expected['final_put.runtime_environment_key'] ?? given.environment_key;
    expect(stage.server.seen.at(-1)!.json()['runtime_environment_key']).toBe(key);
  },
  'trace.runtime_environment_key.unset': async () => {
    await using stage = await traceStage(directory, undefined, { runtimeEnvironmentKey: '' });
    await stage.trace.finish(success);
    expect(stage.server.seen.at(-1)!.json()).not.toHaveProperty('runtime_environment_key');
  },
  'trace.touch_has_no_environment_key': async ({ given }) => {
    const stop = { status: 403 };
    const key = { runtimeEnvironmentKey: given.environment_key };
    await using stage = await traceStage(directory, (asked) => (asked === 'put running' ? stop : taken(asked)), key);
    stage.trace.start();
    await aborted(stage.trace.abort);
    expect(stage.sequence).toEqual(['put running']);
    expect(stage.server.seen[0]!.json()).not.toHaveProperty('runtime_environment_key');
  },
  'trace.touch_abort': async ({ server_response }) => {
    await using stage = await traceStage(directory, script(server_response));
    stage.trace.start();
    await aborted(stage.trace.abort);
    expect(stage.trace.cancel.aborted).toBe(false);
    expect(await stage.trace.finish(success)).toEqual({ kind: 'reported' });
    expect(stage.sequence).toEqual(['put running', 'put success']);
  },
  'trace.delayed_processing_with_rejection': async ({ given, server_response }) => {
    const limits = { patchBytes: given.max_patch };
    await using stage = await traceStage(directory, script(server_response), { limits });
    await stage.trace.sink.write(Buffer.from(given.written));
    expect(await stage.trace.finish(success)).toEqual({ kind: 'reported' });
    const wanted = server_response.map((one: object) => Object.keys(one)[0]!.replaceAll("'", ''));
    expect(stage.sequence.map((asked) => asked.replace('put success', 'put'))).toEqual(wanted);
  },
  'trace.final_put_retry': async ({ expected }) => {
    let puts = 0;
    await using stage = await traceStage(directory, () => ({ status: ++puts <= 5 ? 500 : 200 }));
    expect(await stage.trace.finish(success)).toEqual({ kind: 'reported' });
    expect(stage.sequence).toEqual(Array.from({ length: expected.final_puts }, () => 'put success'));
    // A pause of the rhythm after each, then one that doubles.
    expect(stage.clock.slept).toEqual([1, 2, 4, 8, 16].flatMap((seconds) => [3000, seconds * 1000]));
  },
  'trace.incremental_status_refresh': async ({ expected }) => {
    const touched = new AbortController();
    await using stage = await traceStage(directory, (asked) => {
      if (asked === 'put running') touched.abort();
      return taken(asked);
    });
    stage.trace.start();
    await aborted(touched.signal);
    await stage.trace.finish(success);
    expect(stage.sequence[0]).toBe(`put ${expected.first_put}`);
    expect(stage.sequence.at(-1)).toBe('put success');
  },
  'trace.checksum': async ({ given, expected }) => {
    const limits = { patchBytes: given.max_patch };
    await using stage = await traceStage(
      directory,
      // Only an answer about the range can tell of more bytes than were sent.
      (asked) => (asked.startsWith('put') ? taken(asked) : { status: 416, headers: { Range: '0-24' } }),
      { limits },
    );
    await stage.trace.sink.write(Buffer.from(given.written));
    await stage.trace.finish(success);
    expect(stage.sequence).toEqual(['patch 0 This is a basic log li', 'put success']);
    expect(stage.server.seen[1]!.json()).toMatchObject({ output: expected.output, checksum: expected.output.checksum });
  },
};

async function canceling({ given, server_response }: Row): Promise<void> {
  const list = server_response.slice(0, -1);
  let asks = 0;
  const over = new AbortController();
  const next = script(list);
  await using stage = await traceStage(
    directory,
    (asked) => {
      if (++asks > list.length) return taken(asked);
      if (asks === list.length) over.abort();
      return next(asked);
    },
    { limits: { patchBytes: given.max_patch, forceSendMs: given.force_send_interval_ms } },
  );
  await stage.trace.sink.write(Buffer.from(given.written));
  stage.trace.start();
  await aborted(over.signal);
  expect(await stage.trace.finish(success)).toEqual({ kind: 'reported' });
  expect(stage.trace.cancel.aborted).toBe(true);
  expect(stage.trace.abort.aborted).toBe(false);
  const [first, second] = given.written.split(/(?<=\n)/);
  expect(stage.sequence.slice(0, 4)).toEqual([`patch 0 ${first}`, 'put running', `patch 10 ${second}`, 'put running']);
  expect(stage.sequence.at(-1)).toBe('put success');
}

async function interval(row: Row): Promise<void> {
  const [, , , kind] = row.name.split('.');
  const { result, 'X-GitLab-Trace-Update-Interval': header } = row.server_response;
  const status = result === 'abort' ? 403 : kind === 'patch' ? 202 : 200;
  const answer = { status, headers: { 'X-GitLab-Trace-Update-Interval': String(header) } };
  await using server = await scriptedServer(inTurn(answer));
  const given = networkGiven({ limits: { maxAttempts: 1 } });
  const spool = await Spool.open(join(directory, row.name));
  if (kind === 'patch') await spool.append(Buffer.from('x'));
  const stop = new AbortController();
  const before = row.given.initial_interval_ms;
  const expected = expectedMs(row.expected.interval_after, before);
  const clock = hurryingClock();
  let sleeps = 0;
  const once = {
    ...clock,
    // One round alone.
    sleep: async () => (++sleeps > 1 && kind !== 'final' ? stop.abort() : undefined),
  };
  const sender = new TraceSender({
    client: createClient({ url: server.url, token: 't' }, given),
    job: { id: 1, token: 't' },
    info,
    spool,
    clock: once,
    // The last report begins with what the configuration has again: 3 s.
    limits: { ...defaultTraceLimits, updateIntervalMs: kind === 'final' ? 3000 : before },
    forceSend: 'fixed',
    debugTrace: 'off',
    runtimeEnvironmentKey: '',
    sentBytes: 0,
    onCancel: () => {},
    onAbort: () => {},
    onSent: async () => {},
    giveUp: new AbortController().signal,
  });
  if (kind === 'final') await sender.finish(success);
  else await sender.whileRunning(stop.signal);
  expect(sender.updateIntervalMs).toBe(expected);
  await spool.close();
}

function expectedMs(text: string, before: number): number {
  return text.startsWith('unchanged') ? before : Number(/^\d+/.exec(text)?.[0]) * 1000;
}

async function forceInterval({ given, expected }: Row): Promise<void> {
  const mode = given.FF_USE_DYNAMIC_TRACE_FORCE_SEND_INTERVAL ? 'dynamic' : 'fixed';
  const ms = forceSendMsOf(mode, given.update_interval_s * 1000, defaultTraceLimits.forceSendMs);
  expect(ms).toBe(expected.force_send_interval_s * 1000);
}

/** What a job does whose first report already tells its end. */
async function finalState(row: Row): Promise<void> {
  await using stage = await traceStage(directory, script(row.server_response));
  const client = createClient({ url: stage.server.url, token: 't' }, stage.network);
  const updated = await client.updateJob({ id: row.given.job, token: 't' }, { state: 'running', info });
  if (updated.cancelRequested) {
    await stage.trace.finish({ state: 'failed', failureReason: 'job_canceled', exitCode: 0 });
  } else {
    expect(updated.state).toBe('abort');
    await stage.trace.drop();
  }
  expect(stage.server.seen.map((seen) => seen.json())).toMatchObject(row.expected.puts);
  client.close();
}

const groups: Record<string, (row: Row) => Promise<void>> = {
  'trace.canceling.': canceling,
  'trace.interval_change.': interval,
  'trace.force_interval.': forceInterval,
  'trace.final_state.': finalState,
};

const wayOf = (name: string) => ways[name] ?? Object.entries(groups).find(([prefix]) => name.startsWith(prefix))?.[1];

describeRows('traces', () => {
  it.each(rowsOf('trace.'))('$name', async (row) => {
    const way = wayOf(row.name);
    if (way === undefined) throw new Error('there is no test for this row');
    await way(row);
  });
});
