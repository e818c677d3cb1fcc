import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/model/event.ts';
import { createPaint, noPaint } from '../../src/reporters/color.ts';
import { githubReporter } from '../../src/reporters/github.ts';
import { gitlabReporter } from '../../src/reporters/gitlab.ts';
import { jsonReporter } from '../../src/reporters/json.ts';
import type { ReadLog } from '../../src/reporters/log-files.ts';
import { type MemoryOutput, memoryOutput } from '../../src/reporters/output.ts';
import { plainReporter } from '../../src/reporters/plain.ts';
import type { Reporter, Verbosity } from '../../src/reporters/reporter.ts';
import { hostileRun, ordinaryRun } from './recorded.ts';

/** Gives each job the log that its output events make. */
function logsOf(events: readonly Event[]): ReadLog {
  const paths = new Map<string, string>();
  const logs = new Map<string, Uint8Array[]>();
  for (const event of events) {
    if (event.type === 'job-started') {
      paths.set(event.job, event.logPath);
      logs.set(event.logPath, []);
    }
    if (event.type === 'job-output') logs.get(paths.get(event.job)!)!.push(event.bytes);
  }
  return async function* (path) {
    yield* logs.get(path) ?? [];
  };
}

type Make = (output: MemoryOutput, events: readonly Event[], verbosity: Verbosity) => Reporter;

const makers = {
  plain: (output, _events, verbosity) => plainReporter({ output, paint: noPaint, color: false, verbosity }),
  json: (output) => jsonReporter({ output }),
  github: (output, events, verbosity) =>
    githubReporter({ output, paint: noPaint, color: false, verbosity, readLog: logsOf(events), token: () => 'TOKEN' }),
  gitlab: (output, events, verbosity) =>
    gitlabReporter({ output, paint: noPaint, color: false, verbosity, readLog: logsOf(events) }),
} satisfies Record<string, Make>;

async function report(make: Make, events: readonly Event[], verbosity: Verbosity = 'normal'): Promise<MemoryOutput> {
  const output = memoryOutput();
  const reporter = make(output, events, verbosity);
  for (const event of events) reporter.on(event);
  await reporter.close();
  return output;
}

/** Control characters made visible, so that the expected files can be read and reviewed. */
const visible = (text: string): string =>
  text.replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]/g, (c) => `⟨${c.codePointAt(0)!.toString(16)}⟩`);

describe.each(Object.entries(makers) as [keyof typeof makers, Make][])('the %s reporter', (name, make) => {
  it('tells an ordinary run', async () => {
    await expect(visible((await report(make, ordinaryRun)).text())).toMatchFileSnapshot(`expected/${name}.txt`);
  });
  it('tells a hostile run without obeying it', async () => {
    await expect(visible((await report(make, hostileRun)).text())).toMatchFileSnapshot(`expected/${name}-hostile.txt`);
  });
});

describe.each(['plain', 'github', 'gitlab'] as const)('verbosity of the %s reporter', (name) => {
  it('quiet: failures and the summary', async () => {
    const text = visible((await report(makers[name], ordinaryRun, 'quiet')).text());
    expect(text).not.toContain('built');
    await expect(text).toMatchFileSnapshot(`expected/${name}-quiet.txt`);
  });
});

it('plain -v tells sections and their times', async () => {
  const text = visible((await report(makers.plain, ordinaryRun, 'verbose')).text());
  await expect(text).toMatchFileSnapshot('expected/plain-verbose.txt');
});

it('plain in colour', async () => {
  const paint = await createPaint({ color: true });
  const output = await report(
    (out) => plainReporter({ output: out, paint, color: true, verbosity: 'normal' }),
    ordinaryRun,
  );
  await expect(visible(output.text())).toMatchFileSnapshot('expected/plain-color.txt');
});

describe('json', () => {
  const lines = (output: MemoryOutput): Record<string, unknown>[] =>
    output
      .text()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));

  it('puts schema, type, at and job first', async () => {
    const all = lines(await report(makers.json, ordinaryRun));
    expect(all[0]).toMatchObject({ schema: 'ci/1', type: 'notice', at: '2024-01-02T03:04:05.000Z' });
    for (const line of all) {
      const keys = Object.keys(line).filter((key) => key !== 'schema');
      expect(keys.slice(0, 2)).toEqual(['type', 'at']);
      if ('job' in line) expect(keys[2]).toBe('job');
    }
  });

  it('breaks no character between chunks and streams of several jobs', async () => {
    const bytes = new TextEncoder().encode('a€😀b');
    const at = 0;
    const cut = (job: string, stream: 'stdout' | 'stderr'): Event[] =>
      [...bytes].map((byte) => ({ type: 'job-output', at, job, stream, bytes: new Uint8Array([byte]) }));
    const parts = [cut('x', 'stdout'), cut('x', 'stderr'), cut('y', 'stdout')];
    const mixed = [...bytes].flatMap((_, index) => parts.map((part) => part[index]!));
    const all = lines(await report(makers.json, [...mixed, { ...mixed[0]!, bytes: new Uint8Array([0xe2]) } as Event]));
    const text = (job: string, stream: string): string =>
      all
        .filter((line) => line['job'] === job && line['stream'] === stream)
        .map((line) => line['text'])
        .join('');
    expect(text('x', 'stderr')).toBe('a€😀b');
    expect(text('y', 'stdout')).toBe('a€😀b');
    expect(text('x', 'stdout')).toBe('a€😀b\ufffd');
  });
});

describe('github', () => {
  it('keeps commands off while a job can print', async () => {
    const text = (await report(makers.github, hostileRun)).text();
    let enabled = true;
    const obeyed: string[] = [];
    for (const line of text.split('\n')) {
      if (line === '::stop-commands::TOKEN') enabled = false;
      else if (line === '::TOKEN::') enabled = true;
      else if (enabled && (/^\s*::/.test(line) || line.includes('##[')))
        obeyed.push(line.split('::')[1]!.split(' ')[0]!);
    }
    expect(enabled).toBe(true);
    expect(obeyed.sort()).toEqual(['endgroup', 'error', 'group', 'warning']);
  });

  it('says so when a log is gone, and goes on', async () => {
    const output = memoryOutput();
    const readLog: ReadLog = () => {
      throw new Error('ENOENT: gone');
    };
    const reporter = githubReporter({ output, paint: noPaint, color: false, verbosity: 'normal', readLog });
    for (const event of ordinaryRun) reporter.on(event);
    await reporter.close();
    expect(output.text()).toContain("the log can't be read: ENOENT: gone\n");
    expect(output.text()).toContain('pipeline failed: 1 of 5 jobs failed');
  });
});
