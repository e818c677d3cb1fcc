/** What the JUnit reports of a job say. Plain data, secrets masked. */
export interface TestResults {
  /** All cases, also those that were skipped. */
  readonly total: number;
  readonly passed: number;
  readonly failed: number;
  /** Cases that could not be carried out. */
  readonly errors: number;
  readonly skipped: number;
  /** As the reports tell, all cases together. */
  readonly durationMs: number;
  /** Those that failed or had an error, in the order of the reports, as many as are kept. */
  readonly failures: readonly FailedTest[];
  /** Reports that could not be read, each with why: `report.xml: …`. */
  readonly unreadable: readonly string[];
}

/** One test that did not pass. */
export interface FailedTest {
  readonly kind: 'failure' | 'error';
  readonly name: string;
  readonly className?: string;
  /** The suite that it stands in. */
  readonly suite?: string;
  readonly file?: string;
  /** The first line of what is wrong; empty where the report says nothing. */
  readonly message: string;
}

/** Counts for people: `12 tests, 2 failed, 1 skipped`; what is none is left out. */
export function testCountsText({ total, failed, errors, skipped }: TestResults): string {
  const parts = [`${total} ${total === 1 ? 'test' : 'tests'}`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (errors > 0) parts.push(`${errors} ${errors === 1 ? 'error' : 'errors'}`);
  if (skipped > 0) parts.push(`${skipped} skipped`);
  return parts.join(', ');
}

/** A test for people: `Calculator › adds`. */
export function testTitle({ name, className, suite }: FailedTest): string {
  const group = className ?? suite;
  return group === undefined ? name : `${group} › ${name}`;
}
