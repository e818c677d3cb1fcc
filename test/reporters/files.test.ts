import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventsFileReporter, readEventsFile, type StoredEvent } from '../../src/reporters/events-file.ts';
import { type AppendHandle, openLogFile, readLogFile } from '../../src/reporters/log-files.ts';
import { streamOutput } from '../../src/reporters/output.ts';
import { fanOut, type Reporter } from '../../src/reporters/reporter.ts';
import { deferred } from '../../src/util/deferred.ts';
import { hostileRun, ordinaryRun } from './recorded.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'reporters-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const full = (): NodeJS.ErrnoException =>
  Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });

describe('openLogFile', () => {
  it('keeps the order of writers that do not wait for each other', async () => {
    const log = await openLogFile(join(directory, 'deep/a.log'));
    const parts = Array.from({ length: 200 }, (_, index) => `${index}\n`);
    await Promise.all(parts.map((part) => log.write(Buffer.from(part))));
    expect(log.size).toBe(parts.join('').length);
    await log.close();
    expect(await readFile(log.path, 'utf8')).toBe(parts.join(''));
    const read: Uint8Array[] = [];
    for await (const chunk of readLogFile(log.path)) read.push(chunk);
    expect(Buffer.concat(read).toString()).toBe(parts.join(''));
  });

  it('writes once a chunk and resolves when it is written', async () => {
    const gate = deferred();
    const written: string[] = [];
    const handle: AppendHandle = {
      write: async (bytes) => {
        await gate.promise;
        written.push(Buffer.from(bytes).toString());
        return { bytesWritten: bytes.length };
      },
      close: async () => {},
    };
    const log = await openLogFile('x', { openHandle: async () => handle });
    let done = false;
    const write = log.write(Buffer.from('abc'))!.then(() => {
      done = true;
    });
    await Promise.resolve();
    expect(done).toBe(false);
    gate.resolve();
    await write;
    expect(written).toEqual(['abc']);
  });

  it('writes the rest when the disk takes only a part', async () => {
    const written: string[] = [];
    const handle: AppendHandle = {
      write: async (bytes) => {
        written.push(Buffer.from(bytes.subarray(0, 2)).toString());
        return { bytesWritten: Math.min(2, bytes.length) };
      },
      close: async () => {},
    };
    const log = await openLogFile('x', { openHandle: async () => handle });
    await log.write(Buffer.from('abcde'));
    expect(written).toEqual(['ab', 'cd', 'e']);
  });

  it('a full disk is a SystemError that names the path', async () => {
    const handle: AppendHandle = { write: () => Promise.reject(full()), close: async () => {} };
    const log = await openLogFile('/state/a.log', { openHandle: async () => handle });
    await expect(log.write(Buffer.from('x'))).rejects.toMatchObject({
      name: 'SystemError',
      reason: 'runner_system_failure',
      message: "can't write /state/a.log: no space left",
      hint: expect.stringContaining('ci clean'),
    });
    await expect(log.close()).resolves.toBeUndefined();
  });
});

describe('the events file', () => {
  it('gives back what went in, with stretches of the log for output', async () => {
    const path = join(directory, 'events.ndjson');
    const reporter = await eventsFileReporter(path);
    for (const event of ordinaryRun) reporter.on(event);
    await reporter.close();
    const stored: StoredEvent[] = [];
    for await (const event of readEventsFile(path)) stored.push(event);
    const others = (events: readonly { type: string }[]) => events.filter((event) => event.type !== 'job-output');
    expect(others(stored)).toEqual(others(ordinaryRun));
    const stretches = stored.flatMap((event) => (event.type === 'job-output' ? [event] : [])).slice(0, 4);
    expect(stretches.map(({ job, stream, offset, length }) => [job, stream, offset, length])).toEqual([
      ['build', 'stdout', 0, 25],
      ['lint', 'stdout', 0, 26],
      ['lint', 'stderr', 26, 6],
      ['build', 'stdout', 25, 55],
    ]);
    expect(await readFile(path, 'utf8')).not.toContain('compil');
  });

  it('holds one line an event whatever the names are, and survives a line that was cut off', async () => {
    const path = join(directory, 'events.ndjson');
    const reporter = await eventsFileReporter(path);
    for (const event of hostileRun) reporter.on(event);
    await reporter.close();
    expect((await readFile(path, 'utf8')).trimEnd().split('\n')).toHaveLength(hostileRun.length);
    const { appendFile } = await import('node:fs/promises');
    await appendFile(path, '{"type":"notice","at":"20');
    let count = 0;
    for await (const event of readEventsFile(path)) count += event.at > 0 ? 1 : 0;
    expect(count).toBe(hostileRun.length);
  });

  it('tells a full disk at the end', async () => {
    const handle: AppendHandle = { write: () => Promise.reject(full()), close: async () => {} };
    const reporter = await eventsFileReporter('/state/events', { openHandle: async () => handle });
    for (const event of ordinaryRun) reporter.on(event);
    await expect(reporter.close()).rejects.toMatchObject({ message: "can't write /state/events: no space left" });
  });
});

describe('streamOutput', () => {
  it('is ready again when the reader has taken what was written', async () => {
    const stream = new PassThrough({ highWaterMark: 4 });
    const output = streamOutput(stream);
    output.write('abcdefgh');
    let ready = false;
    const waiting = output.ready().then(() => {
      ready = true;
    });
    await Promise.resolve();
    expect(ready).toBe(false);
    stream.resume();
    await waiting;
    expect(ready).toBe(true);
  });
  it('falls silent when the reader is gone', async () => {
    const stream = new PassThrough();
    const errors: Error[] = [];
    const output = streamOutput(stream, (error) => errors.push(error));
    const closed = new Promise((resolve) => stream.once('close', resolve));
    stream.destroy(Object.assign(new Error('broken'), { code: 'EPIPE' }));
    await closed;
    output.write('x');
    await output.ready();
    expect(errors).toEqual([]);
  });
});

it('fanOut goes on without a reporter that throws, and tells at the end', async () => {
  const seen: string[] = [];
  const bad: Reporter = {
    on() {
      throw new Error('bug');
    },
    close: async () => {},
  };
  const good: Reporter = {
    on: (event) => seen.push(event.type),
    close: async () => {},
  };
  const both = fanOut([bad, good]);
  for (const event of ordinaryRun) both.on(event);
  expect(seen).toHaveLength(ordinaryRun.length);
  await expect(both.close()).rejects.toThrow('bug');
});
