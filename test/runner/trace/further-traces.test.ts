import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { forceSendMsOf } from '../../../src/runner/trace/trace-limits.ts';
import { deferred } from '../../../src/util/deferred.ts';
import type { Scripted } from '../support/scripted-server.ts';
import { taken, traceStage } from '../support/trace-server.ts';

const directory = mkdtempSync(join(tmpdir(), 'runner-further-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const success = { state: 'success' } as const;
const failed = { state: 'failed', failureReason: 'script_failure', exitCode: 3 } as const;
const told = (bytes: number): string =>
  `\n\x1b[33;1mJob's log exceeded limit of ${bytes} bytes.\nJob execution will continue but no more output will be collected.\x1b[0;m\n`;

/** What the server gets of these writes, and what the last update says of it. */
async function sentOf(writes: readonly (string | Buffer)[], outputLimitBytes = 4096 * 1024) {
  await using stage = await traceStage(directory, undefined, { limits: { outputLimitBytes } });
  for (const write of writes) await stage.trace.sink.write(Buffer.from(write));
  await stage.trace.finish(success);
  const patches = stage.server.seen.filter(({ method }) => method === 'PATCH');
  const bytes = Buffer.concat(patches.map(({ body }) => body));
  return { bytes, text: bytes.toString('utf8'), last: stage.server.seen.at(-1)!.json() };
}

describe('the limit of a log', () => {
  it.each<readonly [string, readonly string[], number, string]>([
    ['one byte below it', ['123456789'], 10, '123456789'],
    ['just reached', ['1234567890'], 10, `1234567890${told(10)}`],
    ['passed in one write', ['123456789012345'], 10, `1234567890${told(10)}`],
    ['passed in a later write', ['12345', '6789', 'abc', 'def'], 10, `123456789a${told(10)}`],
    ['reached between characters', ['12345678€'], 10, `12345678${told(10)}`],
    ['reached behind a character', ['1234567€'], 10, `1234567€${told(10)}`],
    ['smaller than a character', ['😀'], 3, told(3)],
    ['reached by a line', ['a\n', 'b\n', 'c\n'], 4, `a\nb\n${told(4)}`],
  ])('%s', async (_, writes, limit, expected) => {
    const { text, bytes, last } = await sentOf(writes, limit);
    expect(text).toBe(expected);
    expect(last['output']).toEqual({
      checksum: `crc32:${crc32(bytes).toString(16).padStart(8, '0')}`,
      bytesize: bytes.length,
    });
  });
});

describe('bytes that are no text', () => {
  it.each<readonly [string, readonly Buffer[], string]>([
    ['one alone', [Buffer.from([0x61, 0xff, 0x62])], 'a�b'],
    ['a character in two writes', [Buffer.from([0xe2, 0x82]), Buffer.from([0xac])], '€'],
    ['a character in four writes', [0xf0, 0x9f, 0x98, 0x80].map((byte) => Buffer.from([byte])), '😀'],
    ['a start without its rest', [Buffer.from([0xc3]), Buffer.from('x')], '�x'],
    ['a start at the end', [Buffer.from([0x78, 0xc3])], 'x�'],
    ['a rest without its start', [Buffer.from([0x80]), Buffer.from([0x80])], '��'],
    ['zeros and controls', [Buffer.from([0, 1, 0x1b, 0x7f])], '\u0000\u0001\u001b\u007f'],
    ['a mark of byte order', [Buffer.from([0xef, 0xbb, 0xbf, 0x61])], '\ufeffa'],
  ])('%s', async (_, writes, expected) => {
    const { text, last, bytes } = await sentOf(writes);
    expect(text).toBe(expected);
    expect(last['output']).toMatchObject({ bytesize: bytes.length });
  });

  it('an empty log has a sum, too', async () => {
    const { last } = await sentOf([]);
    expect(last).toMatchObject({ checksum: 'crc32:00000000', output: { checksum: 'crc32:00000000', bytesize: 0 } });
  });
});

describe('the end of a job', () => {
  type Answers = (asked: string, count: number) => Scripted;

  async function ended(written: string, answers: Answers, result: typeof success | typeof failed = success) {
    let count = 0;
    const limits = { patchBytes: 4, maxMismatches: 3, finalTries: 3 };
    const answer = (asked: string) => answers(asked, count++);
    await using stage = await traceStage(directory, answer, { limits });
    await stage.trace.sink.write(Buffer.from(written));
    const reported = await stage.trace.finish(result);
    return { sequence: stage.sequence, reported: reported.kind, slept: [...stage.clock.slept] };
  }

  const answering =
    (...list: readonly (Scripted | undefined)[]): Answers =>
    (asked, count) =>
      list[count] ?? taken(asked);

  it.each<{ name: string; answers: Answers; sequence: readonly string[]; slept?: readonly number[]; kind?: string }>([
    {
      name: 'all in pieces, then the result',
      answers: answering(),
      sequence: ['patch 0 abcd', 'patch 4 ef', 'put success'],
      slept: [],
    },
    {
      name: 'goes on where the server is',
      answers: answering({ status: 416, headers: { Range: '0-2' } }),
      sequence: ['patch 0 abcd', 'patch 2 cdef', 'put success'],
      slept: [3000],
    },
    {
      name: 'has been there: the server has all of it',
      answers: answering({ status: 416, headers: { Range: '0-6' } }),
      sequence: ['patch 0 abcd', 'put success'],
    },
    {
      name: 'begins anew where the server does not say',
      answers: answering(undefined, { status: 416 }),
      sequence: ['patch 0 abcd', 'patch 4 ef', 'patch 0 abcd', 'patch 4 ef', 'put success'],
    },
    {
      name: 'a log that is not found is left',
      answers: answering({ status: 404 }),
      sequence: ['patch 0 abcd', 'put success'],
      slept: [],
    },
    {
      name: 'a job that is over is told its result once',
      answers: answering({ status: 403 }, { status: 403 }),
      sequence: ['patch 0 abcd', 'put success'],
      slept: [],
    },
    {
      name: 'a log that fails is sent again after a pause',
      answers: answering({ status: 400 }),
      sequence: ['patch 0 abcd', 'patch 0 abcd', 'patch 4 ef', 'put success'],
      slept: [3000, 1000],
    },
    {
      name: 'accepted, until it is done',
      answers: answering(undefined, undefined, { status: 202 }, { status: 202 }),
      sequence: ['patch 0 abcd', 'patch 4 ef', 'put success', 'put success', 'put success'],
      slept: [3000, 3000],
    },
    {
      name: 'accepted, with a time to wait',
      answers: answering(undefined, undefined, { status: 202, headers: { 'X-GitLab-Trace-Update-Interval': '8' } }),
      sequence: ['patch 0 abcd', 'patch 4 ef', 'put success', 'put success'],
      slept: [8000],
    },
    {
      name: 'a time to wait is a quarter of an hour at most',
      answers: answering(undefined, undefined, { status: 202, headers: { 'X-GitLab-Trace-Update-Interval': '99999' } }),
      sequence: ['patch 0 abcd', 'patch 4 ef', 'put success', 'put success'],
      slept: [900_000],
    },
    {
      name: 'a log that does not match is sent as a whole',
      answers: answering(undefined, undefined, { status: 412 }),
      sequence: ['patch 0 abcd', 'patch 4 ef', 'put success', 'patch 0 abcd', 'patch 4 ef', 'put success'],
      slept: [3000],
    },
    {
      name: 'a job that the server has ended',
      answers: answering(undefined, undefined, { status: 200, headers: { 'Job-Status': 'canceled' } }),
      sequence: ['patch 0 abcd', 'patch 4 ef', 'put success'],
      slept: [],
    },
    {
      name: 'a job that is not found',
      answers: answering(undefined, undefined, { status: 404 }),
      sequence: ['patch 0 abcd', 'patch 4 ef', 'put success'],
    },
    {
      name: 'a result that can not be told',
      answers: (asked) => (asked.startsWith('put') ? { status: 409 } : taken(asked)),
      sequence: ['patch 0 abcd', 'patch 4 ef', 'put success', 'put success', 'put success'],
      slept: [3000, 1000, 3000, 2000, 3000],
      kind: 'lost',
    },
    {
      name: 'a server that takes no part of it',
      answers: (asked) => (asked.startsWith('patch') ? { status: 416, headers: { Range: '0-0' } } : { status: 200 }),
      sequence: Array.from({ length: 12 }, () => 'patch 0 abcd'),
      kind: 'lost',
    },
  ])('$name', async ({ answers, sequence, slept, kind = 'reported' }) => {
    const end = await ended('abcdef', answers);
    expect(end.sequence).toEqual(sequence);
    expect(end.reported).toBe(kind);
    if (slept !== undefined) expect(end.slept).toEqual(slept);
  });

  it('leaves nothing on the disk that was told, and all that was not', async () => {
    const before = readdirSync(directory).length;
    await ended('x', answering());
    expect(readdirSync(directory)).toHaveLength(before);
  });
});

describe('how often the state is told', () => {
  it.each([
    ['fixed', 3000, 30_000],
    ['fixed', 900_000, 30_000],
    ['dynamic', 1000, 30_000],
    ['dynamic', 7500, 30_000],
    ['dynamic', 7501, 30_004],
    ['dynamic', 60_000, 240_000],
    ['dynamic', 450_000, 1_800_000],
    ['dynamic', 900_000, 1_800_000],
  ] as const)('%s, %i ms between pieces: %i ms', (mode, intervalMs, ms) => {
    expect(forceSendMsOf(mode, intervalMs, 30_000)).toBe(ms);
  });

  it.each([0, -86_400_000, 86_400_000])(
    'is at the first chance, then not before half a minute is over, also where the clock is set by %i ms',
    async (byMs) => {
      let rounds = 0;
      const enough = deferred();
      await using stage = await traceStage(directory, (asked) => {
        if (asked === 'put running' && ++rounds === 3) enough.resolve();
        return taken(asked);
      });
      stage.trace.start();
      while (stage.clock.slept.length < 5) await new Promise((resolve) => setImmediate(resolve));
      stage.clock.set(byMs);
      await enough.promise;
      // The first after one pause, each later one after eleven: ten are not longer than half a minute.
      expect(stage.clock.slept.length).toBeLessThan(34);
      expect(stage.clock.slept.slice(0, 23)).toEqual(Array.from({ length: 23 }, () => 3000));
      expect(stage.sequence).toEqual(['put running', 'put running', 'put running']);
      await stage.trace.finish(success);
    },
  );
});
