import type { Findings } from '../model/outcome.ts';
import { type FailedTest, type TestResults, testTitle } from '../model/test-results.ts';

/** Failed tests that are named of one job where room is short. */
const mostShown = 20;

/** What is to be said about a job's tests that did not pass, and about reports that could not be read; not made safe to print. */
export interface TestNews {
  readonly headline: string;
  readonly failures: readonly FailedTest[];
  /** Failed tests that are not among `failures`. */
  readonly left: number;
  readonly unreadable: readonly string[];
}

/** Undefined: all tests passed, or there are none. */
export function testNews({ tests }: Pick<Findings, 'tests'>, most = mostShown): TestNews | undefined {
  if (tests === undefined) return undefined;
  const bad = tests.failed + tests.errors;
  if (bad === 0 && tests.unreadable.length === 0) return undefined;
  const failures = tests.failures.slice(0, most);
  return { headline: headline(tests, bad), failures, left: bad - failures.length, unreadable: tests.unreadable };
}

function headline({ total, unreadable }: TestResults, bad: number): string {
  if (bad > 0) return `${bad} of ${total} ${total === 1 ? 'test' : 'tests'} failed`;
  return `${unreadable.length} test ${unreadable.length === 1 ? 'report' : 'reports'} could not be read`;
}

/** `Calculator › adds: expected 3, got 4`. */
export function failedTestText(test: FailedTest): string {
  const title = testTitle(test);
  return test.message === '' ? title : `${title}: ${test.message}`;
}

/** The news as lines without colours, the headline left out. */
export function testLines({ failures, left, unreadable }: TestNews): string[] {
  const lines = failures.map((test) => `✗ ${failedTestText(test)}`);
  if (left > 0) lines.push(`and ${left} more`);
  return [...lines, ...unreadable.map((problem) => `! ${problem}`)];
}
