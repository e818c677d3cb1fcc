import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noPaint } from '../../src/reporters/color.ts';
import { githubReporter } from '../../src/reporters/github.ts';
import { escapeData, escapeProperty } from '../../src/reporters/github-commands.ts';
import { markdownSummary } from '../../src/reporters/github-summary.ts';
import { htmlReport } from '../../src/reporters/html.ts';
import { jsonReport } from '../../src/reporters/json-report.ts';
import { junitReport } from '../../src/reporters/junit.ts';
import { memoryOutput } from '../../src/reporters/output.ts';
import { reportFilesReporter } from '../../src/reporters/report-files.ts';
import { summarize } from '../../src/reporters/summary-fold.ts';
import { hostileRun, largeRun, ordinaryRun } from './recorded.ts';

const ordinary = summarize(ordinaryRun);
const hostile = summarize(hostileRun);
// What XML 1.0 can't hold.
const notXml = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'reporters-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('junit', () => {
  it('tells an ordinary run', () => expect(junitReport(ordinary)).toMatchFileSnapshot('expected/junit.xml'));
  it('tells a hostile run', async () => {
    const text = junitReport(hostile);
    expect(text).not.toMatch(notXml);
    expect(text).not.toContain('\x1b');
    await expect(text).toMatchFileSnapshot('expected/junit-hostile.xml');
  });
});

describe('json', () => {
  it('tells an ordinary run', () => expect(jsonReport(ordinary)).toMatchFileSnapshot('expected/report.json.txt'));
  it('begins with the schema', () => expect(jsonReport(hostile).startsWith('{\n  "schema": "ci/1"')).toBe(true));
});

describe('html', () => {
  it('tells an ordinary run', () => expect(htmlReport(ordinary)).toMatchFileSnapshot('expected/report.html.txt'));
  it('loads nothing and runs nothing', () => {
    const text = htmlReport(hostile);
    expect(text).not.toMatch(/<script|<link|<img|@import|url\(|href=|src=/i);
    expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(text).not.toMatch(notXml);
  });
});

describe('markdown', () => {
  it('tells an ordinary run', () => expect(markdownSummary(ordinary)).toMatchFileSnapshot('expected/summary.md.txt'));
  it('tells a hostile run', () =>
    expect(markdownSummary(hostile)).toMatchFileSnapshot('expected/summary-hostile.md.txt'));
  it('stays below the limit, failed jobs first', () => {
    const text = markdownSummary(summarize(largeRun(2000, 500)), 4000);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4000);
    expect(text).toContain('job 1999');
    expect(text).toContain('(more did not fit here');
  });
});

it('escapes workflow commands', () => {
  expect(escapeData('50%\r\n::x')).toBe('50%25%0D%0A::x');
  expect(escapeProperty('a:b,c%')).toBe('a%3Ab%2Cc%25');
});

it("appends to GitHub's files", async () => {
  const stepSummaryPath = join(directory, 'summary');
  const outputPath = join(directory, 'output');
  const reporter = githubReporter({
    ...{ output: memoryOutput(), paint: noPaint, color: false, verbosity: 'normal', token: () => 'WORD' },
    ...{ readLog: async function* () {}, stepSummaryPath, outputPath },
  });
  for (const event of ordinaryRun) reporter.on(event);
  await reporter.close();
  expect(await readFile(stepSummaryPath, 'utf8')).toBe(markdownSummary(ordinary));
  expect(await readFile(outputPath, 'utf8')).toBe(
    'status<<WORD\nfailed\nWORD\nfailed-jobs<<WORD\n["unit: [18]"]\nWORD\n',
  );
});

describe('report files', () => {
  it('are written at the end, directories made', async () => {
    const path = join(directory, 'a/b/junit.xml');
    const reporter = reportFilesReporter([{ kind: 'junit', path }]);
    for (const event of ordinaryRun) reporter.on(event);
    await reporter.close();
    expect(await readFile(path, 'utf8')).toBe(junitReport(ordinary));
  });
  it("that can't be written name their path", async () => {
    const reporter = reportFilesReporter([{ kind: 'json', path: directory }]);
    await expect(reporter.close()).rejects.toMatchObject({
      name: 'SystemError',
      message: expect.stringContaining(directory),
    });
  });
});
