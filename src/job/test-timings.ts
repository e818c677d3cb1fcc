import { posix } from 'node:path';
import type { JobSpec } from '../model/job-spec.ts';
import { SystemError } from '../model/outcome.ts';
import type { TestTiming } from '../model/ports.ts';
import type { JobRun } from './job-run.ts';
import type { JunitCase } from './junit.ts';

/** Where a job's programs find how long tests took. No file variable is called like this. */
export function testTimingsFile(temporaryDirectory: string): string {
  return `${temporaryDirectory}/.test-timings`;
}

/** Does the job ask how long tests take? Then the times of its own are kept, too. */
export function wantsTestTimings({ facts }: JobSpec): boolean {
  return facts?.some(({ fact }) => fact === 'test-timings-file') ?? false;
}

/** Lays what is known of tests beside the job. */
export async function putTestTimings({ spec, deps, session }: JobRun): Promise<void> {
  if (!wantsTestTimings(spec)) return;
  const known = await deps.testTimings?.known();
  if (known === undefined) return;
  await session.files.write(testTimingsFile(session.temporaryDirectory), Buffer.from(known), 0o444);
}

/** Adds up the times of one job's test cases. */
export interface TimingSums {
  add(one: JunitCase): void;
  all(): readonly TestTiming[];
}

/** Names of one job that are kept: more than any list of tests that somebody splits. */
const mostNames = 50_000;
const longestName = 1000;

/** @param directory the project's, in the session: reports may name files by their whole paths. */
export function timingSums(directory: string): TimingSums {
  const sums = new Map<string, TestTiming>();
  const add = (kind: TestTiming['kind'], name: string | undefined, seconds: number): void => {
    if (name === undefined || name === '' || name.length > longestName || /[\0-\x1f\x7f]/.test(name)) return;
    const key = `${kind} ${name}`;
    const before = sums.get(key);
    if (before === undefined && sums.size >= mostNames) return;
    sums.set(key, { kind, name, seconds: (before?.seconds ?? 0) + seconds });
  };
  return {
    add({ file, className, name, seconds }) {
      if (seconds === undefined) return;
      add('file', file && posix.relative(directory, posix.resolve(directory, file)), seconds);
      add('classname', className, seconds);
      add('name', name, seconds);
    },
    all: () => [...sums.values()],
  };
}

/** Keeps how long the tests of a job took that has succeeded. */
export async function keepTestTimings({ deps, timings, log }: JobRun): Promise<void> {
  const all = timings?.all() ?? [];
  if (all.length === 0) return;
  try {
    await deps.testTimings?.add(all);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    await log.warning(`the times of the tests are not kept: ${error.message}`);
  }
}
