import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TextDecoder } from 'node:util';
import type { FileEntry, TakenFiles } from '../model/files.ts';
import { SystemError } from '../model/outcome.ts';
import { type FailedTest, type TestResults, testCountsText } from '../model/test-results.ts';
import type { JobLog } from './job-log.ts';
import type { JobRun } from './job-run.ts';
import { junitReports } from './junit.ts';
import { timingSums } from './timing-sums.ts';

/** A larger report is kept and not read. */
const maxReportBytes = 32 * 1024 * 1024;
/** What is read of all reports of a job. */
const maxJobBytes = 128 * 1024 * 1024;

/** Reads the test results among the files that one step took. What can't be read is told; it never fails the job, as on GitLab. */
export async function readTestReports(run: JobRun, taken: TakenFiles, directory: string): Promise<void> {
  const reports = reportsAmong(taken.entries);
  if (reports.length === 0) return;
  if (run.deps.testTimings !== undefined) run.timings ??= timingSums(run.session.directory);
  run.tests ??= junitReports((one) => run.timings?.add(one));
  const before = run.tests.results().unreadable.length;
  let left = maxJobBytes;
  for (const { path, sizeBytes } of reports) {
    left -= sizeBytes;
    if (sizeBytes > maxReportBytes) run.tests.refuse(path, `it is larger than ${maxReportBytes / 1024 ** 2} MB`);
    else if (left < 0)
      run.tests.refuse(path, `the job's reports together are larger than ${maxJobBytes / 1024 ** 2} MB`);
    else run.tests.add(path, await readText(join(directory, path)));
  }
  const results = run.tests.results();
  for (const problem of results.unreadable.slice(before)) await run.log.warning(`JUnit report ${problem}`);
  await run.log.line(`JUnit: ${testCountsText(results)}`);
}

/** Of a whole directory only what is called XML. */
function reportsAmong(entries: readonly FileEntry[]): readonly FileEntry[] {
  const files = entries.filter(({ type }) => type === 'file');
  const named = files.filter(({ path }) => /\.xml$/i.test(path));
  return named.length > 0 ? named : files;
}

/** In the encoding that its first bytes or its first line tell; UTF-8 if they tell none, or one that nobody knows. */
async function readText(path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new SystemError('runner_system_failure', `cannot read the test report ${path}`, { cause: error });
  });
  const head = bytes.subarray(0, 200).toString('latin1');
  const told =
    bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : /^<\?xml[^>]*encoding=["']([\w.-]+)["']/.exec(head)?.[1];
  return decoderFor(told ?? 'utf-8').decode(bytes);
}

function decoderFor(encoding: string): TextDecoder {
  try {
    return new TextDecoder(encoding);
  } catch {
    return new TextDecoder();
  }
}

/** What the job's reports say, fit to leave the program. */
export async function testResultsOf({ tests, log }: JobRun): Promise<TestResults | undefined> {
  if (tests === undefined) return undefined;
  const { failures, unreadable, ...counts } = tests.results();
  const told: FailedTest[] = [];
  for (const failure of failures) told.push(await withoutSecrets(failure, log));
  return { ...counts, failures: told, unreadable: await Promise.all(unreadable.map((text) => log.masked(text))) };
}

async function withoutSecrets({ kind, ...texts }: FailedTest, log: JobLog): Promise<FailedTest> {
  const masked = { ...texts };
  for (const [key, text] of Object.entries(texts)) masked[key as keyof typeof texts] = await log.masked(text);
  return { kind, ...masked };
}
