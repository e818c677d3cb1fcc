import { type Outcome, SystemError } from '../model/outcome.ts';
import type { RunStep } from '../model/step.ts';
import type { FailedOutcome, JobDeps, JobPlace, JobRun } from './job-run.ts';
import { statusVariables } from './job-variables.ts';
import { pathIn } from './session-path.ts';
import { surroundingsFailed } from './surroundings-failed.ts';

/** The place of a job as its next script would find it, or as one has left it. */
export function placeOf({ spec, session, log, variables, limits, deps }: JobRun, step: RunStep | undefined): JobPlace {
  const status = statusVariables(spec, step === undefined ? 'running' : 'failed');
  return {
    spec,
    session,
    log,
    env: variables.env([...status, ...(step?.variables ?? [])]),
    directory: pathIn(spec, session, variables.expand(step?.directory ?? '.')),
    signal: deps.insteadOfScripts === undefined ? limits.canceled : limits.soft,
  };
}

/** Lets somebody in instead of running scripts. @returns what went wrong, if the surroundings did. */
export async function letVisit(
  run: JobRun,
  visit: NonNullable<JobDeps['insteadOfScripts']>,
): Promise<Outcome | undefined> {
  const goOn = run.limits.hold();
  try {
    await visit(placeOf(run, undefined));
    return undefined;
  } catch (error) {
    return surroundingsFailed(run.limits, error);
  } finally {
    goOn();
  }
}

/** Lets somebody look at what a failed script left. Whatever comes of it, the job's result stays. */
export async function showFailure(run: JobRun, step: RunStep, failure: FailedOutcome): Promise<void> {
  const { deps, limits, log } = run;
  if (deps.onScriptFailure === undefined || limits.canceled.aborted) return;
  const goOn = limits.hold();
  try {
    await deps.onScriptFailure(placeOf(run, step), failure);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    await log.warning(error.message);
  } finally {
    goOn();
  }
}
