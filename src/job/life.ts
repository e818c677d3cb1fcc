import type { Outcome } from '../model/outcome.ts';
import type { Step } from '../model/step.ts';
import { assertNever } from '../util/assert-never.ts';
import { downloadArtifacts, uploadArtifacts, uploadTestReport } from './artifact-steps.ts';
import { restoreCache, saveCache } from './cache-steps.ts';
import { checkout } from './checkout.ts';
import { lookForHalt } from './halting.ts';
import { endedOutcome } from './job-limits.ts';
import type { JobRun, ScriptStatus } from './job-run.ts';
import { previewPages } from './pages-preview.ts';
import { letVisit, showFailure } from './places.ts';
import { reachEngine } from './reach-engine.ts';
import { refusal } from './refusal.ts';
import { previewRelease } from './release-preview.ts';
import { runUntilItPasses } from './rerun-script.ts';
import { named, runAfterScript } from './run-script.ts';
import { sectionOf } from './sections.ts';
import { surroundingsFailed } from './surroundings-failed.ts';
import { openDoor } from './visitors.ts';
import { attachWorkspace, persistWorkspace } from './workspace-steps.ts';

/** How far a job has come. */
interface Progress {
  /** The first thing that went wrong; it is what the job reports. */
  failure?: Outcome;
  scriptStarted: boolean;
  /** Sources, caches or artifacts could not be had, so the script makes no sense. */
  prepareFailed: boolean;
  /** What failed is something that comes after the scripts: an upload. */
  finishFailed: boolean;
  /** A script has ended the job: no other step of the user's follows. */
  halted: boolean;
  /** Nothing more is to be done but cleaning up. */
  over: boolean;
  /** What `CI_JOB_STATUS` says to `after_script`. */
  scriptStatus: ScriptStatus;
}

/**
 * Works off the steps of a job.
 * @returns how the job ended. Throws only bugs: failures of the surroundings become outcomes here.
 */
export async function live(run: JobRun): Promise<Outcome> {
  const progress: Progress = {
    ...{ scriptStarted: false, prepareFailed: false, finishFailed: false, halted: false, over: false },
    scriptStatus: 'success',
  };
  const { insteadOfScripts } = run.deps;
  for (const step of run.spec.steps) {
    if (progress.over) break;
    if (insteadOfScripts !== undefined && !comesBefore(step)) continue;
    if (!isDue(step, progress) || !hasWork(run, step)) continue;
    if (step.kind === 'run') {
      if (!(await prepareSession(run, progress))) continue;
      if (step.phase === 'script' && !progress.scriptStarted) await openDoor(run);
    }
    await run.log.begin(sectionOf(step, isFailed(progress) ? 'failed' : 'successful'));
    await attempt(run, step, progress);
  }
  if (insteadOfScripts !== undefined && !progress.over && (await prepareSession(run, progress))) {
    const failure = await letVisit(run, insteadOfScripts);
    if (failure !== undefined) fail(progress, failure);
  }
  await run.log.end();
  return progress.failure ?? { status: 'success' };
}

async function attempt(run: JobRun, step: Step, progress: Progress): Promise<void> {
  const wasCanceled = run.limits.ending()?.kind === 'canceled';
  const hadFailed = progress.failure !== undefined;
  try {
    const failure = await perform(run, step, progress);
    if (failure !== undefined) fail(progress, failure);
  } catch (error) {
    const failure = surroundingsFailed(run.limits, error);
    // Whatever becomes of after_script, the job's result stays; only the job's own end counts.
    if (step.phase !== 'after' || run.limits.ending() !== undefined) fail(progress, failure);
    else if (failure.status === 'failed') await run.log.warning(`after_script failed: ${failure.message}`);
  }
  if (step.phase === 'prepare' && progress.failure !== undefined) progress.prepareFailed = true;
  if (step.phase === 'finish' && !hadFailed && progress.failure !== undefined) progress.finishFailed = true;
  await run.log.flush();
  const ending = run.limits.ending();
  if (ending === undefined) return;
  const beforeScript = ending.kind === 'canceled' && !progress.scriptStarted;
  const duringFinish = ending.kind === 'canceled' && !wasCanceled && step.phase === 'finish';
  if (ending.kind === 'canceled' && !beforeScript && !duringFinish) return;
  // A job that is over its time, dropped, or canceled before its script began or after it has nothing left to do.
  progress.over = true;
  if (step.phase !== 'finish') progress.failure ??= endedOutcome(ending);
}

function fail(progress: Progress, failure: Outcome): void {
  progress.failure ??= failure;
  if (progress.scriptStatus === 'success')
    progress.scriptStatus = failure.status === 'canceled' ? 'canceled' : 'failed';
}

async function perform(run: JobRun, step: Step, progress: Progress): Promise<Outcome | undefined> {
  switch (step.kind) {
    case 'checkout':
      return checkout(run, step.path ?? '.');
    case 'restore-cache':
      return ignoreResult(run.deps.caches && restoreCache(run, step, run.deps.caches));
    case 'save-cache':
      return ignoreResult(run.deps.caches && saveCache(run, step, run.deps.caches));
    case 'download-artifacts':
      return ignoreResult(downloadArtifacts(run));
    case 'upload-artifacts':
      return uploadArtifacts(run, step);
    case 'test-report':
      return uploadTestReport(run, step);
    case 'release':
      return previewRelease(run, step);
    case 'publish-pages':
      return ignoreResult(previewPages(run, step));
    case 'reach-engine':
      return ignoreResult(reachEngine(run));
    case 'refuse':
      return refusal(step);
    case 'persist-workspace':
      return persistWorkspace(run, step);
    case 'attach-workspace':
      return attachWorkspace(run, step);
    case 'run': {
      if (step.phase === 'after') return runAfterScript(run, step, progress.scriptStatus);
      if (step.phase === 'script') progress.scriptStarted = true;
      const { failure, limit } = await runUntilItPasses(run, step);
      if (failure?.status === 'failed') await run.session.explainFailure?.();
      if (limit === 'own') progress.scriptStatus = 'timedout';
      if (failure?.status === 'failed') await showFailure(run, step, failure);
      if (run.limits.ending() === undefined) progress.halted = await lookForHalt(run, step);
      return named(failure, step);
    }
    default:
      return assertNever(step);
  }
}

/** Before the first script what was put takes its place in the session; failing at that is no script's failure. */
async function prepareSession({ session, limits }: JobRun, progress: Progress): Promise<boolean> {
  if (progress.scriptStarted) return true;
  try {
    await session.prepare?.(limits.soft);
    return true;
  } catch (error) {
    fail(progress, surroundingsFailed(limits, error));
    progress.prepareFailed = true;
    return false;
  }
}

async function ignoreResult(work: Promise<void> | undefined): Promise<undefined> {
  await work;
}

/** Is it done also where somebody is let in instead of scripts? What brings files in is, wherever it stands. */
function comesBefore({ kind, phase }: Step): boolean {
  return phase === 'prepare' || kind === 'checkout' || kind === 'restore-cache' || kind === 'attach-workspace';
}

/** What comes after the scripts is done as they ended: an upload that fails makes no other one due. */
function isFailed({ failure, finishFailed }: Progress): boolean {
  return failure !== undefined && !finishFailed;
}

/** Is it this step's turn, as things stand? */
function isDue(step: Step, progress: Progress): boolean {
  const failed = isFailed(progress);
  const matches = step.when === 'always' || (step.when === 'on_failure') === failed;
  switch (step.phase) {
    case 'prepare':
      return !failed && matches;
    case 'script':
      if (progress.failure?.status === 'canceled' || progress.halted) return false;
      return matches && !progress.prepareFailed;
    case 'after':
      return progress.scriptStarted;
    case 'finish':
      return step.when === 'always' || (matches && !progress.finishFailed);
    default:
      return assertNever(step.phase);
  }
}

/** GitLab Runner leaves out parts that would do nothing. */
function hasWork(run: JobRun, step: Step): boolean {
  switch (step.kind) {
    case 'restore-cache':
    case 'save-cache':
      return run.deps.caches !== undefined;
    case 'download-artifacts':
      return run.spec.dependencies.length > 0;
    case 'run':
      return step.script.length > 0;
    default:
      return true;
  }
}
