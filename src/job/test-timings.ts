import type { JobSpec } from '../model/job-spec.ts';
import { SystemError } from '../model/outcome.ts';
import { testTimingsFile } from './fact-files.ts';
import type { JobRun } from './job-run.ts';

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
