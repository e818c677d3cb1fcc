import { expect, it } from 'vitest';
import type { Event } from '../../src/model/event.ts';
import type { TestResults } from '../../src/model/test-results.ts';
import { noPaint } from '../../src/reporters/color.ts';
import { markdownSummary } from '../../src/reporters/github-summary.ts';
import { htmlReport } from '../../src/reporters/html.ts';
import { jsonReport } from '../../src/reporters/json-report.ts';
import { junitReport } from '../../src/reporters/junit.ts';
import { summarize } from '../../src/reporters/summary-fold.ts';
import { summaryLines } from '../../src/reporters/summary-text.ts';
import { jobResult, make, plannedJob } from './recorded.ts';

const failure = (name: string, message: string) => ({ kind: 'failure', name, className: 'Sum', message }) as const;

const tests: TestResults = {
  ...{ total: 40, passed: 14, failed: 24, errors: 1, skipped: 1, durationMs: 1200 },
  failures: [
    failure('adds', 'expected 3, got <4>'),
    failure('\x1b[2Jhostile', '::error::x'),
    ...Array.from({ length: 23 }, (_, index) => failure(`case ${index}`, '')),
  ],
  unreadable: ['old.xml: it is no JUnit report, its root is <html>'],
};

const events: readonly Event[] = [
  make.planned(0, ['test'], [plannedJob('unit'), plannedJob('lenient'), plannedJob('clean')]),
  make.started(1, 'unit'),
  make.started(1, 'lenient'),
  make.started(1, 'clean'),
  make.output(2, 'unit', 'the end of the log\n'),
  make.finished(3, 'unit', jobResult({ status: 'failed', failureReason: 'script_failure', exitCode: 1, tests })),
  make.finished(
    3,
    'lenient',
    jobResult({ tests: { ...tests, failures: tests.failures.slice(0, 1), failed: 1, errors: 0, unreadable: [] } }),
  ),
  make.finished(
    3,
    'clean',
    jobResult({
      tests: { ...tests, total: 2, passed: 2, failed: 0, errors: 0, skipped: 0, failures: [], unreadable: [] },
    }),
  ),
];
const summary = summarize(events);
const lines = (verbosity: 'quiet' | 'normal' | 'verbose'): string =>
  summaryLines(summary, { paint: noPaint, color: false, verbosity }).join('\n');

it('the summary counts tests in the table and names those that failed', () => {
  const text = lines('normal');
  expect(text).toMatch(/unit .*exit code 1, 40 tests, 24 failed, 1 error, 1 skipped/);
  expect(text).toMatch(/clean .*2 tests$/m);
  expect(text).toContain(
    'unit: 25 of 40 tests failed\n  ✗ Sum › adds: expected 3, got <4>\n  ✗ Sum › hostile: ::error::x\n',
  );
  expect(text).toContain('  ✗ Sum › case 17\n  and 5 more\n  ! old.xml: it is no JUnit report, its root is <html>');
  expect(text).toContain('lenient: 1 of 40 tests failed');
  expect(text).not.toContain('clean: ');
});

it('all of them with -v', () => {
  expect(lines('verbose')).toContain('Sum › case 22');
});

it('reports and summaries of servers have them too', () => {
  const junit = junitReport(summary);
  expect(junit).toContain('25 of 40 tests failed\n✗ Sum › adds: expected 3, got &lt;4&gt;');
  expect(htmlReport(summary)).toContain('<li>✗ Sum › adds: expected 3, got &lt;4&gt;</li>');
  expect(markdownSummary(summary)).toContain('<summary>unit: 25 of 40 tests failed</summary>');
  const { jobs } = JSON.parse(jsonReport(summary)) as { readonly jobs: readonly { readonly tests?: unknown }[] };
  expect(jobs[0]?.tests).toMatchObject({
    total: 40,
    failed: 24,
    failures: expect.arrayContaining([tests.failures[0]]),
  });
});
