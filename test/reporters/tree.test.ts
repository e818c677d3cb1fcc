import { describe, expect, it } from 'vitest';
import { noPaint } from '../../src/reporters/color.ts';
import { displayWidth } from '../../src/reporters/display-width.ts';
import { liveArea } from '../../src/reporters/live-area.ts';
import { memoryOutput } from '../../src/reporters/output.ts';
import { treeReporter } from '../../src/reporters/tree.ts';
import { type FrameOptions, treeFrame } from '../../src/reporters/tree-frame.ts';
import { treeView } from '../../src/reporters/tree-view.ts';
import type { Clock } from '../../src/util/clock.ts';
import { hostileRun, jobResult, largeRun, make, ordinaryRun, plannedJob, t0 } from './recorded.ts';

const frameOptions = (columns: number, rows: number, now = 2000): FrameOptions => ({
  ...{ columns, rows, now: t0 + now, spinner: '⠋' },
  ...{ paint: noPaint, color: false },
});

/** A clock whose sleepers are woken by hand: `tick` lets one frame be drawn. */
function handClock(): Clock & { tick(): Promise<void> } {
  const sleepers: (() => void)[] = [];
  return {
    now: () => t0 + 2000,
    elapsed: () => 2000,
    sleep: (_ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) resolve();
        sleepers.push(resolve);
        signal?.addEventListener('abort', () => resolve(), { once: true });
      }),
    async tick() {
      for (const wake of sleepers.splice(0)) wake();
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** What a terminal shows of the few sequences that a LiveArea uses. */
function screenOf(text: string): { lines: string[]; cursor: 'shown' | 'hidden' } {
  const lines = [''];
  let row = 0;
  let cursor: 'shown' | 'hidden' = 'shown';
  for (const part of text.split(/(\x1b\[\?25[lh]|\x1b\[\d*[AKJ]|\r|\n)/)) {
    if (part === '') continue;
    const up = /^\x1b\[(\d+)A$/.exec(part);
    if (up) row -= Number(up[1]);
    else if (part === '\n') lines[++row] ??= '';
    else if (part === '\x1b[K') continue;
    else if (part === '\r') continue;
    else if (part === '\x1b[J') lines.splice(row, lines.length, '');
    else if (part.startsWith('\x1b[?25')) cursor = part.endsWith('l') ? 'hidden' : 'shown';
    else lines[row] = part;
    expect(row).toBeGreaterThanOrEqual(0);
  }
  return { lines, cursor };
}

describe('treeFrame', () => {
  it('shows jobs by stage with the last lines of those that run', () => {
    const view = treeView();
    for (const event of ordinaryRun.slice(0, -4)) view.on(event);
    view.on(make.output(1600, 'unit: [18]', '10%\r\x1b[2K20%\r30%\nsecond\x1b[2J\nthird\n\x1b[31mfour\n5\n6'));
    expect(treeFrame(view, frameOptions(60, 30))).toEqual([
      'build',
      '  ✓ build  1.2 s  2 attempts',
      '  ! lint  400 ms  exit code 3 (allowed to fail)',
      'test',
      '  ⠋ unit: [18]  600 ms',
      '      second',
      '      third',
      '      four',
      '      5',
      '      6',
      'deploy',
      '  · deploy',
      '  · release',
      '2 of 5 jobs done, 1 running, 2.0 s',
    ]);
  });

  it('never is higher or wider than the terminal, whatever runs', () => {
    for (const [count, running] of [
      [2000, 0],
      [2000, 3],
      [2000, 300],
      [5, 5],
    ] as const) {
      const view = treeView();
      for (const event of largeRun(count, 400)) view.on(event);
      for (let index = 0; index < running; index++) {
        view.on(make.started(1000, `extra/${index}`));
        view.on(make.output(1000, `extra/${index}`, '日本語 wide '.repeat(50)));
      }
      for (const [columns, rows] of [
        [80, 24],
        [20, 5],
        [5, 2],
        [200, 60],
      ] as const) {
        const lines = treeFrame(view, frameOptions(columns, rows));
        expect(lines.length).toBeLessThan(Math.max(rows, 2));
        for (const line of lines) expect(displayWidth(line)).toBeLessThan(columns);
      }
    }
  });

  it('counts what does not fit: of 2,000 jobs it shows the lively ones', () => {
    const view = treeView();
    for (const event of largeRun(2000, 1000)) view.on(event);
    view.on(make.started(1000, 'late'));
    view.on(make.output(1000, 'late', 'hello\n'));
    expect(treeFrame(view, frameOptions(60, 24))).toEqual([
      'test  ✓ 1994 succeeded',
      '  ✗ job 999  1.0 s  exit code 1',
      ...[1995, 1996, 1997, 1998].map((id) => `  ✓ job ${id}  1.0 s`),
      '  ✗ job 1999  1.0 s  exit code 1',
      'other jobs',
      '  ⠋ late  1.0 s',
      '      hello',
      '2000 of 2001 jobs done, 1 running, 2 failed, 2.0 s',
    ]);
  });

  it('obeys no sequence of a hostile run', () => {
    const view = treeView();
    for (const event of hostileRun.slice(0, 3)) view.on(event);
    for (const line of treeFrame(view, frameOptions(100, 30))) expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
  });
});

describe('liveArea', () => {
  it('draws over its lines, prints above them, and leaves nothing', () => {
    const output = memoryOutput({ columns: 20, rows: 10 });
    const area = liveArea(output);
    area.draw(['a', 'b', 'c']);
    area.draw(['d', 'e']);
    expect(screenOf(output.text())).toEqual({ lines: ['d', 'e', ''], cursor: 'hidden' });
    area.print(['stays']);
    area.draw(['f']);
    expect(screenOf(output.text())).toEqual({ lines: ['stays', 'f', ''], cursor: 'hidden' });
    area.end();
    area.end();
    expect(screenOf(output.text())).toEqual({ lines: ['stays', ''], cursor: 'shown' });
  });

  it('finds its first line when the terminal has become narrower', () => {
    let columns = 20;
    const written: string[] = [];
    const area = liveArea({
      ...{ isTTY: true, rows: 10, ready: () => Promise.resolve() },
      get columns() {
        return columns;
      },
      write: (text) => void written.push(String(text)),
    });
    area.draw(['0123456789', '01']);
    columns = 5;
    area.draw(['x']);
    expect(written.at(-1)).toContain('\x1b[3A\x1b[J');
  });
});

describe('the tree reporter', () => {
  const reporter = (output: ReturnType<typeof memoryOutput>, clock: Clock) =>
    treeReporter({ output, clock, paint: noPaint, color: false, verbosity: 'normal' });

  it('draws while jobs run and leaves notices and the summary', async () => {
    const output = memoryOutput({ columns: 80, rows: 24 });
    const clock = handClock();
    const tree = reporter(output, clock);
    for (const event of ordinaryRun.slice(0, 8)) tree.on(event);
    await clock.tick();
    await clock.tick();
    const live = screenOf(output.text());
    expect(live.cursor).toBe('hidden');
    expect(live.lines.join('\n')).toMatch(/build\n {2}. build .*\n {6}compil\n/);
    for (const event of ordinaryRun.slice(8)) tree.on(event);
    await clock.tick();
    await tree.close();
    const end = screenOf(output.text());
    expect(end.cursor).toBe('shown');
    expect(end.lines[0]).toBe('notice: uncommitted changes are part of the run');
    expect(end.lines[1]).toBe('warning: unit: [18]: cache: no such file');
    expect(end.lines.at(-2)).toContain('pipeline failed: 1 of 5 jobs failed');
    expect(end.lines.some((line) => line.includes('jobs done'))).toBe(false);
  });

  it('gives the terminal back at once on abort, and draws no more', async () => {
    const output = memoryOutput({ columns: 80, rows: 24 });
    const clock = handClock();
    const tree = reporter(output, clock);
    for (const event of ordinaryRun.slice(0, 8)) tree.on(event);
    await clock.tick();
    tree.abort();
    expect(screenOf(output.text()).cursor).toBe('shown');
    const before = output.text();
    for (const event of ordinaryRun.slice(8)) tree.on(event);
    await clock.tick();
    expect(output.text()).toBe(before);
    await tree.close();
    expect(output.text()).toContain('pipeline failed');
  });

  it('waits for a terminal that has not taken the last frame', async () => {
    const output = memoryOutput({ columns: 80, rows: 24 });
    let frames = 0;
    const slow = { ...output, write: () => void frames++, ready: () => new Promise<void>(() => {}) };
    const clock = handClock();
    const tree = treeReporter({ output: slow, clock, paint: noPaint, color: false, verbosity: 'normal' });
    tree.on(make.planned(0, ['test'], [plannedJob('a')]));
    for (let count = 0; count < 5; count++) await clock.tick();
    expect(frames).toBe(1);
    tree.abort();
  });

  it('takes 2,000 jobs and a second plan', async () => {
    const output = memoryOutput({ columns: 80, rows: 24 });
    const clock = handClock();
    const tree = reporter(output, clock);
    for (const event of largeRun(2000, 1000)) tree.on(event);
    await clock.tick();
    tree.on(make.planned(5000, ['child'], [plannedJob('child/x', { stage: 'child' })]));
    tree.on(make.started(5001, 'child/x'));
    tree.on(make.finished(5002, 'child/x', jobResult()));
    await tree.close();
    expect(screenOf(output.text()).lines.at(-2)).toContain('2 of 2001 jobs failed');
  });
});
