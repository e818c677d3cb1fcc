import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/model/event.ts';
import { resourceText } from '../../src/model/resource-text.ts';
import { noPaint } from '../../src/reporters/color.ts';
import { displayWidth } from '../../src/reporters/display-width.ts';
import { markdownSummary } from '../../src/reporters/github-summary.ts';
import { htmlReport } from '../../src/reporters/html.ts';
import { jsonReporter } from '../../src/reporters/json.ts';
import { jsonReport } from '../../src/reporters/json-report.ts';
import { memoryOutput } from '../../src/reporters/output.ts';
import { summarize } from '../../src/reporters/summary-fold.ts';
import { summaryLines } from '../../src/reporters/summary-text.ts';
import { formatBytes } from '../../src/util/byte-size.ts';
import { jobResult, make, plannedJob, t0 } from './recorded.ts';

const heavy = {
  cpuMs: 3212.4,
  memoryPeakBytes: 240 * 1024 ** 2,
  networkReceivedBytes: 12_000_000,
  networkSentBytes: 80_400,
  diskReadBytes: 0,
  diskWrittenBytes: 999,
};
const light = { cpuMs: 20.5 };

function recorded(resources: Record<string, object | undefined>): Event[] {
  const ids = Object.keys(resources);
  const results = Object.fromEntries(
    ids.map((id) => [id, jobResult(resources[id] === undefined ? {} : { resources: resources[id] })]),
  );
  return [
    make.planned(
      0,
      ['test'],
      ids.map((id) => plannedJob(id)),
    ),
    ...ids.flatMap((id) => [make.started(10, id), make.finished(1010, id, results[id]!)]),
    { type: 'pipeline-finished', at: t0 + 1020, status: 'success', durationMs: 1020, jobs: results },
  ];
}
const of = (resources: Record<string, object | undefined>) => summarize(recorded(resources));
const text = (resources: Record<string, object | undefined>, more: object = {}): string =>
  summaryLines(of(resources), { paint: noPaint, color: false, verbosity: 'normal', ...more }).join('\n');

describe('what jobs used', () => {
  it('is told in words, and nothing of what is not known', () => {
    expect(resourceText(heavy)).toBe(
      'cpu 3.2 s, memory 240 MB, network 12 MB in and 80 kB out, disk 0 B read and 999 B written',
    );
    expect(resourceText({ diskWrittenBytes: 5, networkReceivedBytes: 0 })).toBe('network 0 B in, disk 5 B written');
    expect(resourceText({})).toBe('');
    expect([0, 999, 1000, 9949, 9960, 999_499, 999_500, 5e15].map(formatBytes)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '9.9 kB',
      '10 kB',
      '999 kB',
      '1.0 MB',
      '5000 TB',
    ]);
  });

  it('is in the summary from a second or 100 MB on, and of all jobs with -v', () => {
    expect(text({ big: heavy, small: light, none: undefined })).toContain(
      [
        '  ✓  big    test  1.0 s  3.2 s cpu  240 MB',
        '  ✓  small  test  1.0 s  21 ms cpu',
        '  ✓  none   test  1.0 s',
      ].join('\n'),
    );
    expect(text({ small: light, none: undefined })).not.toContain('cpu');
    expect(text({ small: light }, { verbosity: 'verbose' })).toContain('  small used cpu 21 ms');
    expect(text({ small: light }, { verbosity: 'verbose' })).toContain('21 ms cpu');
  });

  it('takes no room from anything else', () => {
    const name = 'n'.repeat(50);
    const lines = text({ [name]: heavy }, { columns: 80 }).split('\n');
    expect(lines.find((line) => line.includes('nnn'))).toBe(`  ✓  ${name}  test  1.0 s`);
    const fitting = text({ ['n'.repeat(40)]: heavy }, { columns: 80 }).split('\n');
    expect(fitting.find((line) => line.includes('nnn'))).toContain('3.2 s cpu  240 MB');
    for (const line of [...lines, ...fitting]) expect(displayWidth(line)).toBeLessThanOrEqual(80);
  });

  it('is in the events and the JSON report, as far as it is known', async () => {
    const output = memoryOutput();
    const reporter = jsonReporter({ output });
    for (const event of recorded({ big: heavy, small: light, none: undefined })) reporter.on(event);
    await reporter.close();
    const finished = output
      .text()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ type }) => type === 'job-finished');
    const whole = { ...heavy, cpuMs: 3212 };
    expect(finished.map(({ resources }) => resources)).toEqual([whole, { cpuMs: 21 }, undefined]);
    const report = JSON.parse(jsonReport(of({ big: heavy, none: undefined }))) as { jobs: Record<string, unknown>[] };
    expect(report.jobs.map(({ resources }) => resources)).toEqual([whole, undefined]);
  });

  it('has columns in the page and in Markdown where there is anything', () => {
    expect(htmlReport(of({ big: heavy }))).toContain('<th>CPU</th><th>Memory</th>');
    expect(htmlReport(of({ big: heavy }))).toContain('>3.2 s</td>');
    expect(htmlReport(of({ none: undefined }))).not.toContain('CPU');
    expect(markdownSummary(of({ big: heavy, none: undefined }))).toContain(
      [
        '| | Job | Stage | Time | CPU | Memory | Note |',
        '|---|---|---|--:|--:|--:|---|',
        '| ✓ | big | test | 1.0 s | 3.2 s | 240 MB |  |',
        '| ✓ | none | test | 1.0 s |  |  |  |',
      ].join('\n'),
    );
    expect(markdownSummary(of({ small: light }))).not.toContain('CPU');
  });
});
