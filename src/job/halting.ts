import type { RunStep } from '../model/step.ts';
import { haltFile } from './fact-files.ts';
import type { JobRun } from './job-run.ts';

/** Has a script ended the job early? Tells so, and remembers it. */
export async function lookForHalt(run: JobRun, step: RunStep): Promise<boolean> {
  const { spec, session, log } = run;
  if (step.background || !spec.facts?.some(({ fact }) => fact === 'halt-file')) return false;
  if ((await session.files.read(haltFile(session.temporaryDirectory), 4096)) === undefined) return false;
  run.haltedBy = step.name;
  await log.info(`Halted by "${step.name}": the steps that come after it are left out`);
  return true;
}
