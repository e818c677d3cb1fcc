import type { RunStep } from '../model/step.ts';
import { endedOutcome, goDuration } from './job-limits.ts';
import type { JobRun } from './job-run.ts';
import { runScript, type ScriptEnd } from './run-script.ts';

/** Runs a script, and again as often as its step allows while it fails. @returns how the last try ended. */
export async function runUntilItPasses(run: JobRun, step: RunStep): Promise<ScriptEnd> {
  const { deps, limits, log } = run;
  const { max, delayMs } = step.reruns ?? { max: 0, delayMs: 0 };
  for (let rerun = 1; ; rerun++) {
    const end = await runScript(run, step);
    if (end.failure?.status !== 'failed' || rerun > max || limits.ending() !== undefined) return end;
    const when = delayMs === 0 ? 'again' : `again in ${goDuration(delayMs)}`;
    await log.warning(`${end.failure.message ?? 'failed'}: the step is run ${when} (rerun ${rerun} of ${max})`);
    await log.flush();
    if (delayMs > 0) await deps.clock.sleep(delayMs, limits.soft);
    const ending = limits.ending();
    if (ending !== undefined) return { failure: endedOutcome(ending) };
  }
}
