import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/model/event.ts';
import type { ImagePull } from '../../src/model/image-pull.ts';
import { noPaint } from '../../src/reporters/color.ts';
import { decodeStoredEvent, encodeStoredEvent, storedEvents } from '../../src/reporters/events-file.ts';
import { eventFields, jsonReporter } from '../../src/reporters/json.ts';
import { memoryOutput } from '../../src/reporters/output.ts';
import { plainReporter } from '../../src/reporters/plain.ts';
import type { Verbosity } from '../../src/reporters/reporter.ts';
import { treeFrame } from '../../src/reporters/tree-frame.ts';
import { treeView } from '../../src/reporters/tree-view.ts';
import { jobResult, make, ordinaryRun, plannedJob, t0 } from './recorded.ts';

const half = { layersDone: 1, layersTotal: 4, bytesDone: 21_000_000, bytesTotal: 53_000_000 };
const whole = { layersDone: 4, layersTotal: 4, bytesDone: 53_000_000, bytesTotal: 53_000_000 };
const none = { layersDone: 0, layersTotal: 0, bytesDone: 0, bytesTotal: 0 };

function pull(at: number, more: Omit<ImagePull, 'image'> & { readonly image?: string }, job = 'unit'): Event {
  return { type: 'image-pull', at: t0 + at, job, image: 'node:20', ...more };
}

const begin: readonly Event[] = [
  make.planned(0, ['test'], [plannedJob('unit'), plannedJob('lint')]),
  make.started(10, 'unit'),
  pull(20, { state: 'started', ...none }),
];
const middle = pull(500, { state: 'progressed', ...half });
const end = pull(2100, { state: 'finished', ...whole, durationMs: 2080 });

function plainText(events: readonly Event[], verbosity: Verbosity): string {
  const output = memoryOutput();
  const reporter = plainReporter({ output, paint: noPaint, color: false, verbosity });
  for (const event of events) reporter.on(event);
  return output.text();
}

describe('a pull', () => {
  it('has its begin and its end in plain output, unless the log with the same is shown', () => {
    const events = [...begin, middle, end];
    expect(plainText(events, 'normal')).toBe(
      'unit > started\nunit > pulling image node:20\nunit > pulled image node:20: 53 MB, 2.0 s\n',
    );
    expect(plainText(events, 'verbose')).toBe('unit > started\n');
    expect(plainText(events, 'quiet')).toBe('');
    const failed = pull(2100, { state: 'failed', ...half, durationMs: 2080 });
    expect(plainText([...begin, failed], 'normal')).toBe('unit > started\nunit > pulling image node:20\n');
  });

  it('is in the line of its job in the live tree as long as it goes on', () => {
    const view = treeView();
    const options = { columns: 100, rows: 30, now: t0 + 600, spinner: '*', paint: noPaint, color: false };
    const line = (): string => treeFrame(view, options)[1]!;
    for (const event of begin) view.on(event);
    expect(line()).toBe('  * unit  590 ms  pulling node:20');
    view.on(middle);
    expect(line()).toBe('  * unit  590 ms  pulling node:20  ███░░░░░░░ 21 MB of 53 MB, 1 of 4 layers');
    view.on(pull(510, { state: 'started', ...none, image: 'redis:7' }));
    expect(line()).toMatch(/ 1 of 4 layers, and 1 more$/);
    view.on(end);
    expect(line()).toBe('  * unit  590 ms  pulling redis:7');
    view.on(pull(520, { state: 'failed', ...none, image: 'redis:7', durationMs: 10 }));
    expect(line()).toBe('  * unit  590 ms');
    view.on(make.finished(600, 'unit', jobResult()));
    expect(line()).toMatch(/✓ unit/);
  });

  it('shows its progress on a narrow terminal too, and the end of a long name', () => {
    const image = 'registry.example.com:5000/group/subgroup/project/application-server:2024.1';
    const view = treeView();
    const events = [begin[0]!, begin[1]!, pull(30, { state: 'progressed', ...half, image })];
    for (const one of events) view.on(one);
    const options = { rows: 30, now: t0 + 600, spinner: '*', paint: noPaint, color: false };
    const bar = '███░░░░░░░ 21 MB of 53 MB, 1 of 4 layers';
    expect(treeFrame(view, { ...options, columns: 80 })[1]).toBe(`  * unit  590 ms  pulling …ver:2024.1  ${bar}`);
    view.on(pull(40, { state: 'started', ...none, image: 'redis:7' }));
    expect(treeFrame(view, { ...options, columns: 90 })[1]).toBe(
      `  * unit  590 ms  pulling …r:2024.1  ${bar}, and 1 more`,
    );
    expect(treeFrame(view, { ...options, columns: 200 })[1]).toContain(`pulling ${image}  ${bar}`);
  });

  it('can give no orders to a terminal by its name', () => {
    const image = 'a\x1b[2J\n::error::b';
    const event = pull(20, { state: 'started', ...none, image });
    expect(plainText([begin[0]!, begin[1]!, event], 'normal')).toBe(
      'unit > started\nunit > pulling image a ::error::b\n',
    );
    const view = treeView();
    for (const one of [begin[0]!, begin[1]!, event]) view.on(one);
    const options = { columns: 100, rows: 30, now: t0 + 600, spinner: '*', paint: noPaint, color: false };
    expect(treeFrame(view, options).join()).not.toContain('\x1b');
  });

  it('is passed on as JSON; of its progress nothing is kept on disk', () => {
    const output = memoryOutput();
    const reporter = jsonReporter({ output });
    for (const event of [middle, end]) reporter.on(event);
    const [first, last] = output
      .text()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const head = { type: 'image-pull', at: '2024-01-02T03:04:05.500Z', job: 'unit' };
    expect(first).toEqual({ schema: 'ci/1', ...head, image: 'node:20', state: 'progressed', ...half });
    expect(last).toMatchObject({ state: 'finished', ...whole, durationMs: 2080 });
    const stored = storedEvents();
    const kept = [...begin, middle, end].flatMap((event) => stored.push(event)).map(encodeStoredEvent);
    expect(kept).toHaveLength(4);
    expect(decodeStoredEvent(kept.at(-1)!)).toEqual(end);
  });
});

describe('the page about JSON events', () => {
  const page = readFileSync(new URL('../../docs/json-events.md', import.meta.url), 'utf8');
  const rows = new Map(
    page
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .flatMap((line) => {
        const [, types = '', fields = ''] = line.split('|');
        return [...types.matchAll(/`([\w-]+)`/g)].map((match) => [match[1]!, fields] as const);
      }),
  );

  it('has a row for each type of event, with each of its fields', () => {
    const model = readFileSync(new URL('../../src/model/event.ts', import.meta.url), 'utf8');
    const types = [...model.matchAll(/readonly type: '([\w-]+)'/g)].map((match) => match[1]!);
    expect([...rows.keys()].sort()).toEqual([...new Set(types)].sort());
    const missing: string[] = [];
    for (const event of [...ordinaryRun, middle, end]) {
      if (event.type === 'job-output') continue;
      for (const field of Object.keys(eventFields(event))) {
        if (!rows.get(event.type)?.includes(`\`${field}`)) missing.push(`${event.type}: ${field}`);
      }
    }
    expect([...new Set(missing)]).toEqual([]);
  });
});
