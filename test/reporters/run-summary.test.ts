import { describe, expect, it } from 'vitest';
import { noPaint } from '../../src/reporters/color.ts';
import { criticalPath } from '../../src/reporters/critical-path.ts';
import { logTail } from '../../src/reporters/log-tail.ts';
import { summarize, summaryFold } from '../../src/reporters/summary-fold.ts';
import { summaryLines } from '../../src/reporters/summary-text.ts';
import { jobResult, largeRun, make, ordinaryRun, plannedJob } from './recorded.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('summarize', () => {
  const summary = summarize(ordinaryRun);

  it('tells how the run and each job ended', () => {
    expect(summary).toMatchObject({
      runId: 'run-1',
      status: 'failed',
      durationMs: 3900,
      stages: ['build', 'test', 'deploy'],
    });
    expect(summary.counts).toEqual({
      ...{ success: 1, failed: 1, canceled: 0, skipped: 1, manual: 1 },
      ...{ allowedFailures: 1, unfinished: 0 },
    });
    expect(summary.jobs.map((job) => [job.id, job.status, job.attempts])).toEqual([
      ['build', 'success', 2],
      ['lint', 'failed', 1],
      ['unit: [18]', 'failed', 1],
      ['deploy', 'skipped', 0],
      ['release', 'manual', 0],
    ]);
    expect(summary.messages).toHaveLength(2);
  });

  it('keeps the end of the last try alone, as it looks on a terminal', () => {
    expect(summary.jobs[0]!.tail).toEqual(['\x1b[32;1m$ make\x1b[0;m\x1b[0m', 'progress 100%', 'built ✓']);
  });

  it('measures how long a job waited after its needs had ended', () => {
    expect(summary.jobs.find((job) => job.id === 'unit: [18]')).toMatchObject({
      queueMs: 100,
      waitedFor: 'resource-group',
    });
  });

  it('marks the chain that determined the end', () => {
    expect(summary.criticalPath).toEqual(['build', 'unit: [18]']);
  });

  it('takes results that only pipeline-finished tells, and jobs that no plan named', () => {
    const late = summarize([
      make.planned(0, ['a'], [plannedJob('x', { stage: 'a' })]),
      make.started(1, 'child/y'),
      {
        type: 'pipeline-finished',
        at: 5,
        status: 'canceled',
        durationMs: 5,
        jobs: { x: jobResult({ status: 'canceled' }) },
      },
    ]);
    expect(late.jobs.map((job) => [job.id, job.stage, job.status])).toEqual([
      ['x', 'a', 'canceled'],
      ['child/y', 'child', 'running'],
    ]);
    expect(late.counts).toMatchObject({ canceled: 1, unfinished: 1 });
  });

  it('can be asked in the middle', () => {
    const fold = summaryFold();
    for (const event of ordinaryRun.slice(0, 8)) fold.on(event);
    expect(fold.summary()).toMatchObject({ status: 'running', counts: { unfinished: 5 } });
    expect(fold.summary().jobs[1]!.tail).toEqual(['src/a.ts:1 bad', 'src/b.ts:2 ']);
  });
});

describe('criticalPath', () => {
  const job = (id: string, startedAt: number, finishedAt: number, ...needs: string[]) => ({
    id,
    needs,
    startedAt,
    finishedAt,
  });

  it('follows the need that ended last, not the longest one', () => {
    const jobs = [job('a', 0, 10), job('b', 0, 50), job('c', 10, 55, 'a'), job('d', 55, 60, 'b', 'c'), job('e', 0, 59)];
    expect(criticalPath(jobs)).toEqual(['a', 'c', 'd']);
  });
  it('is empty when nothing ran, and ends on a cycle', () => {
    expect(criticalPath([{ id: 'a', needs: [] }])).toEqual([]);
    expect(criticalPath([job('a', 0, 1, 'b'), job('b', 0, 2, 'a')])).toEqual(['a', 'b']);
  });
});

describe('logTail', () => {
  it('gives the last lines however the output was cut, without half a line', () => {
    const text = Array.from({ length: 500 }, (_, index) => `line ${index}\n`).join('');
    for (const size of [1, 7, 64, 100, 5000]) {
      const tail = logTail(64);
      for (let at = 0; at < text.length; at += size) tail.append(bytes(text.slice(at, at + size)));
      expect(tail.lines(50)).toEqual([
        'line 493',
        'line 494',
        'line 495',
        'line 496',
        'line 497',
        'line 498',
        'line 499',
      ]);
      expect(tail.lines(2)).toEqual(['line 498', 'line 499']);
    }
  });
  it('keeps part of one endless line, whole characters', () => {
    const tail = logTail(8);
    tail.append(bytes('€€€€€€'));
    expect(tail.lines(5)).toEqual(['€€']);
  });
  it('forgets', () => {
    const tail = logTail(8);
    tail.append(bytes('a\nb'));
    tail.clear();
    expect(tail.lines(5)).toEqual([]);
    tail.append(bytes('c'));
    expect(tail.lines(5)).toEqual(['c']);
  });
});

it('a large run is counted, failures are listed', () => {
  const lines = summaryLines(summarize(largeRun(2000, 500)), { paint: noPaint, color: false, verbosity: 'normal' });
  expect(lines.filter((line) => line.startsWith('  ✗')).map((line) => line.trim().split(/ {2,}/)[1])).toEqual([
    ...['job 499', 'job 999', 'job 1499', 'job 1999'],
  ]);
  expect(lines).toContain('  ✓   1996 jobs succeeded');
  expect(lines.length).toBeLessThan(30);
  expect(lines.at(-1)).toContain('4 of 2000 jobs failed');
});

it('names the directory of all logs, also of nested ones', () => {
  const end = make.finished(5, 'a', jobResult());
  const text = (jobs: readonly string[]): string =>
    summaryLines(summarize([...jobs.map((job) => make.started(1, job)), end]), {
      ...{ paint: noPaint, color: false, verbosity: 'normal' },
    }).join('\n');
  expect(text(['a', 'w/b', 'w/c'])).toContain('full logs: /state/runs/run-1\n');
  expect(text(['w/b', 'w/c'])).toContain('full logs: /state/runs/run-1/w\n');
});
