import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { type TraceRecord, takeLeftTraces } from '../../../src/runner/trace/trace-record.ts';
import { deferred } from '../../../src/util/deferred.ts';
import type { Scripted } from '../support/scripted-server.ts';
import { taken, traceStage } from '../support/trace-server.ts';

const root = mkdtempSync(join(tmpdir(), 'runner-job-trace-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let count = 0;
const freshDirectory = (): string => join(root, String(count++));
const success = { state: 'success' } as const;
const failed = { state: 'failed', failureReason: 'script_failure', exitCode: 3 } as const;

/** A server that keeps a log as GitLab does: pieces have to follow each other. */
function keeper(faults: readonly (Scripted | undefined)[] = []) {
  const kept: Buffer[] = [];
  const states: Record<string, unknown>[] = [];
  let asks = 0;
  const size = (): number => kept.reduce((sum, { length }) => sum + length, 0);
  return {
    states,
    text: () => Buffer.concat(kept).toString(),
    answer: (
      _asked: string,
      seen: { method: string; headers: Record<string, unknown>; body: Buffer; json(): Record<string, unknown> },
    ): Scripted => {
      const fault = faults[asks++];
      if (fault !== undefined) return fault;
      if (seen.method === 'PUT') {
        states.push(seen.json());
        return { status: 200 };
      }
      const start = Number(String(seen.headers['content-range']).split('-')[0]);
      if (start !== size()) return { status: 416, headers: { Range: `0-${size()}` } };
      kept.push(seen.body);
      return { status: 202, headers: { Range: `0-${size()}` } };
    },
  };
}

describe('a trace', () => {
  it('lies on disk, for its owner alone, until it has arrived', async () => {
    const directory = freshDirectory();
    const server = keeper();
    await using stage = await traceStage(directory, server.answer);
    await stage.trace.sink.write(Buffer.from('hello\n'));
    const names = readdirSync(directory).sort();
    expect(names).toEqual([expect.stringMatching(/^123-.*\.json$/), expect.stringMatching(/^123-.*\.log$/)]);
    expect(readFileSync(join(directory, names[1]!), 'utf8')).toBe('hello\n');
    for (const name of names) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    const record = JSON.parse(readFileSync(join(directory, names[0]!), 'utf8')) as TraceRecord;
    expect(record).toMatchObject({ job: { id: 123, token: 'job-token' }, server: { url: stage.server.url } });
    expect(JSON.stringify(record)).not.toContain('runner-token');
    await stage.trace.finish(failed);
    expect(server.text()).toBe('hello\n');
    const sum = `crc32:${crc32('hello\n').toString(16).padStart(8, '0')}`;
    expect(server.states).toMatchObject([
      { state: 'failed', failure_reason: 'script_failure', exit_code: 3, output: { checksum: sum, bytesize: 6 } },
    ]);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('asks for the job itself where its log does not arrive for long, and hears that it is canceled', async () => {
    const puts: string[] = [];
    const canceled = deferred();
    await using stage = await traceStage(freshDirectory(), (asked) => {
      if (!asked.startsWith('put')) return { status: 500 };
      puts.push(asked);
      return { status: 200, headers: { 'Job-Status': 'canceling' } };
    });
    stage.trace.cancel.addEventListener('abort', () => canceled.resolve());
    const startedAt = stage.clock.now();
    await stage.trace.sink.write(Buffer.from('hello\n'));
    stage.trace.start();
    await canceled.promise;
    expect(puts[0]).toBe('put running');
    // Half a minute, as for a log that has nothing new.
    expect(stage.clock.now() - startedAt).toBeGreaterThan(30_000);
  });

  it('arrives whole whatever the server answers in between', async () => {
    const drop = { dropped: true };
    const faults = [
      undefined,
      drop,
      { status: 500 },
      undefined,
      { status: 416 },
      drop,
      { status: 429 },
      { status: 409 },
    ];
    const server = keeper(faults);
    await using stage = await traceStage(freshDirectory(), server.answer, { limits: { patchBytes: 50 } });
    stage.trace.start();
    const lines = Array.from({ length: 100 }, (_, line) => `line ${line} äöü\n`);
    for (const line of lines) await stage.trace.sink.write(Buffer.from(line));
    expect(await stage.trace.finish(success)).toEqual({ kind: 'reported' });
    expect(server.text()).toBe(lines.join(''));
    expect(server.states.at(-1)).toMatchObject({
      state: 'success',
      output: { bytesize: Buffer.byteLength(lines.join('')) },
    });
  });

  it('ends at its limit, on a whole character, and says so once', async () => {
    const server = keeper();
    await using stage = await traceStage(freshDirectory(), server.answer, { limits: { outputLimitBytes: 10 } });
    await stage.trace.sink.write(Buffer.from('12345678'));
    await stage.trace.sink.write(Buffer.from('9äö'));
    await stage.trace.sink.write(Buffer.from('Job succeeded'));
    await stage.trace.finish(success);
    const message = "\n\x1b[33;1mJob's log exceeded limit of 10 bytes.\n";
    const rest = 'Job execution will continue but no more output will be collected.\x1b[0;m\n';
    expect(server.text()).toBe(`123456789${message}${rest}`);
  });

  it('is valid UTF-8 however it was written', async () => {
    const server = keeper();
    await using stage = await traceStage(freshDirectory(), server.answer);
    const bytes = Buffer.from('a\u20acb');
    for (const byte of bytes) await stage.trace.sink.write(Uint8Array.of(byte));
    await stage.trace.sink.write(Uint8Array.of(0xff, 0x62, 0xe2, 0x82));
    await stage.trace.finish(success);
    expect(server.text()).toBe('a\u20acb\ufffdb\ufffd');
  });

  it('is over when the server says so, and is not sent any more', async () => {
    const server = keeper([{ status: 202, headers: { 'Job-Status': 'canceled' } }, { status: 403 }, { status: 403 }]);
    await using stage = await traceStage(freshDirectory(), server.answer);
    await stage.trace.sink.write(Buffer.from('x'));
    const over = new Promise<void>((resolve) => stage.trace.abort.addEventListener('abort', () => resolve()));
    stage.trace.start();
    await over;
    expect(await stage.trace.finish(success)).toEqual({ kind: 'reported' });
    expect(stage.sequence).toEqual(['patch 0 x', 'patch 0 x', 'put success']);
  });

  it('does not ask for ever where a server takes nothing', async () => {
    const limits = { finalTries: 2, maxMismatches: 3 };
    const answer = (asked: string): Scripted => (asked.startsWith('put') ? taken(asked) : { status: 416 });
    await using stage = await traceStage(freshDirectory(), answer, { limits });
    await stage.trace.sink.write(Buffer.from('x'));
    expect(await stage.trace.finish(success)).toMatchObject({ kind: 'lost', why: expect.stringContaining('no part') });
    expect(stage.sequence).toHaveLength(8);
  });

  it('stays on disk where its result could not be told', async () => {
    const directory = freshDirectory();
    {
      const stage = await traceStage(directory, () => ({ dropped: true }), { limits: { finalTries: 3 } });
      await stage.trace.sink.write(Buffer.from('x'));
      expect((await stage.trace.finish(failed)).kind).toBe('lost');
      expect(stage.network.lines.some(({ message }) => message.includes('has not reached its server'))).toBe(true);
      await stage.server[Symbol.asyncDispose]();
    }
    const [name] = readdirSync(directory).filter((entry) => entry.endsWith('.json'));
    expect(JSON.parse(readFileSync(join(directory, name!), 'utf8'))).toMatchObject({ result: failed, sentBytes: 0 });
    // Its process lives, and has let go of it: whoever looks next takes it, alone.
    expect(await takeLeftTraces(directory)).toMatchObject([{ record: { result: failed } }]);
    expect(await takeLeftTraces(directory)).toEqual([]);
  });

  it('can be left at once', async () => {
    const directory = freshDirectory();
    const giveUp = new AbortController();
    const asked = deferred();
    const stage = await traceStage(
      directory,
      async () => {
        asked.resolve();
        await new Promise(() => {});
        return {};
      },
      { giveUp: giveUp.signal },
    );
    await stage.trace.sink.write(Buffer.from('x'));
    stage.trace.start();
    const finished = stage.trace.finish(success);
    await asked.promise;
    giveUp.abort();
    expect(await finished).toEqual({ kind: 'left' });
    expect(existsSync(directory) && readdirSync(directory)).toHaveLength(2);
    await stage.server[Symbol.asyncDispose]();
  });

  it('says where the disk does not take it', async () => {
    await expect(traceStage('/dev/null/x')).rejects.toThrow();
  });
});
