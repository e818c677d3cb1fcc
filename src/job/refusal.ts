import type { JobSpec } from '../model/job-spec.ts';
import type { Outcome } from '../model/outcome.ts';
import type { RefuseStep } from '../model/step.ts';

/** How a job ends that can't be run here; undefined: it can. Known from its steps, before anything is made for it. */
export function refusalOf({ steps }: JobSpec): Outcome | undefined {
  const step = steps.find(({ kind }) => kind === 'refuse');
  return step?.kind === 'refuse' ? refusal(step) : undefined;
}

/** The step as the job's end. */
export function refusal({ reason, message, hint, exitCode }: RefuseStep): Outcome {
  const more = {
    ...(hint === undefined ? {} : { hint }),
    ...(exitCode === undefined ? {} : { exit: { kind: 'code', code: exitCode } as const }),
  };
  return { status: 'failed', reason, message, ...more };
}
