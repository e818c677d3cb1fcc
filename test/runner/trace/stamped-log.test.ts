import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { createJobLog } from '../../../src/job/job-log.ts';
import { stampedLog } from '../../../src/runner/trace/stamped-log.ts';
import { stampedLines } from '../../support/job-log.ts';
import { hurryingClock, traceStage } from '../support/trace-server.ts';

const directory = mkdtempSync(join(tmpdir(), 'runner-stamped-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** The log of a job as a runner has it. */
function opened() {
  const written: Buffer[] = [];
  const clock = hurryingClock();
  const sink = stampedLog({ write: async (bytes) => void written.push(Buffer.from(bytes)) }, clock);
  const secrets = ['very-secret'];
  const log = createJobLog({ job: 'a', sink, emit: () => {}, clock, secrets, sections: 'markers' });
  return { log, text: () => Buffer.concat(written).toString().replaceAll('2026-01-02T03:04:05.000000Z ', '') };
}

describe('a log with headers', () => {
  it('has a number for each who writes, and keeps pieces of their lines apart', async () => {
    const { log, text } = opened();
    const write = (stream: 'stdout' | 'stderr', said: string) => log[stream].write(Buffer.from(said));
    await log.begin({ name: 'step_script', caption: 'Begin', phase: 'script' });
    const [db, web, last] = [0, 1, 999].map((at) => log.system.of!(`service-${at}`));
    await write('stdout', 'half ');
    await db!.write(Buffer.from('half a '));
    await write('stderr', 'problem\n');
    await web!.write(Buffer.from('served\nWARNING: odd\n'));
    await last!.write(Buffer.from('the last\n'));
    await write('stdout', 'a line\nprogress\r');
    await db!.write(Buffer.from('row\n'));
    await write('stdout', 'very-');
    await write('stdout', 'secret\nno end');
    await log.flush();
    await write('stdout', 'of the next script\n');
    await log.end();
    await log.line('Done');
    await log.flush();
    expect(text()).toBe(
      [
        '00O section_start:1767323045:step_script\r\x1b[0K\x1b[0K\x1b[36;1mBegin\x1b[0;m',
        '01E problem',
        '10O served',
        '10O WARNING: odd',
        'ffO the last',
        '01O half a line',
        '01O progress\r',
        '0fO half a row',
        '01O+[MASKED]',
        '01O no end',
        '01O of the next script',
        '00O section_end:1767323045:step_script\r\x1b[0K',
        '00O+\x1b[0KDone\x1b[0;m',
        '',
      ].join('\n'),
    );
  });

  it('is limited, summed up and sent with them', async () => {
    const outputLimitBytes = 100;
    const more = { lines: 'stamped', limits: { outputLimitBytes, patchBytes: 30 } } as const;
    await using stage = await traceStage(directory, undefined, more);
    const { sink } = stage.trace;
    await sink.write(Buffer.from('one\n'));
    await sink.of!('stdout').write(Buffer.from('two'));
    await sink.of!('stderr').write(Buffer.from('three\nfour\n'));
    await stage.trace.finish({ state: 'success' });
    const { seen } = stage.server;
    const patches = seen.filter(({ method }) => method === 'PATCH');
    const sent = Buffer.concat(patches.map(({ body }) => body));
    expect(patches[1]!.headers['content-range']).toBe('30-59');
    const at = '2026-01-02T03:04:05.000000Z';
    expect(sent.toString()).toMatch(
      new RegExp(`^${at} 00O one\n${at} 01E three\n${at.slice(0, -1)}\n\x1b\\[33;1mJob's log`),
    );
    expect(stampedLines(sent.toString()).map(({ text }) => text)).toEqual(['one', 'three']);
    const checksum = `crc32:${crc32(sent).toString(16).padStart(8, '0')}`;
    expect(seen.at(-1)!.json()).toMatchObject({ state: 'success', output: { checksum, bytesize: sent.length } });
  });

  it('has a line without an end when the job is over', async () => {
    await using stage = await traceStage(directory, undefined, { lines: 'stamped' });
    await stage.trace.sink.of!('stdout').write(Buffer.from('no end'));
    await stage.trace.finish({ state: 'success' });
    expect(stage.sequence[0]).toBe('patch 0 2026-01-02T03:04:05.000000Z 01O no end\n');
  });
});
