import { runJob } from '../../job/run-job.ts';
import type { Exit, Outcome } from '../../model/outcome.ts';
import type { JobNode } from '../../model/plan.ts';
import type { JobLease } from '../../model/ports.ts';
import { jobSpecs } from '../../schedule/job-specs.ts';
import { newNodeRun } from '../../schedule/node-run.ts';
import type { ScheduledPipeline } from '../../schedule/scheduled-pipeline.ts';
import { type ArtifactStore, artifactStore } from '../../stores/artifact-store.ts';
import { cacheStore, projectCacheDirectory } from '../../stores/cache-store.ts';
import { projectKey } from '../../stores/project-key.ts';
import { readRun } from '../../stores/run-store.ts';
import { makeShellPlace, type ShellPlace } from '../../stores/shell-places.ts';
import { systemClock } from '../../util/clock.ts';
import { containerOptions, pullRules } from '../container-settings.ts';
import { CommandError, exitCodes, signalExitCode } from '../exit-code.ts';
import { type Invocation, printMessage } from '../invocation.ts';
import { sshSettings } from '../ssh-settings.ts';
import { type TakenOver, takeOver } from './earlier-run.ts';
import { createExecutors, type Executors, engineLocation } from './executors.ts';
import { runnerFacts } from './job-runner.ts';
import type { PipelineRun } from './pipeline-run.ts';
import { startReaper } from './reaper.ts';
import { repositoryFacts } from './repository-facts.ts';
import { lateVariables } from './run-variables.ts';
import { shellScreen } from './shell-screen.ts';
import { handleSignals } from './signals.ts';
import { snapshotFor, sourceFor, tellSnapshot } from './source-tree.ts';
import { tidy } from './tidy.ts';
import { exitCodeOfShell, type Visitor, visitJob, whereabouts } from './visitor.ts';

/** Which job is looked at, and how. */
export interface ShellRun extends Pick<PipelineRun, 'loaded' | 'plan' | 'options'> {
  /** The plan's only one. */
  readonly node: JobNode;
  readonly visitor: Visitor;
  /** Text for its shell. */
  readonly command?: string;
}

/**
 * Makes the place of a job as it is before its script, lets somebody in, and takes it all down again.
 * @returns the exit code of the shell or the command, or that of the signal that ended it.
 * @throws CommandError exit 4 when the place can't be made.
 */
export async function runShell(invocation: Invocation, given: ShellRun): Promise<number> {
  const { loaded, options } = given;
  const location = { stateDirectory: loaded.locations.state, projectRoot: loaded.file.root };
  const place = makeShellPlace(location);
  let isClean = true;
  const containers = containerOptions(options, loaded.settings);
  const executors = createExecutors(invocation, {
    workspaces: place.workspacesDirectory,
    pull: pullRules(options, containers),
    containers,
    ssh: sshSettings(loaded.settings.ssh, options.sshHost),
    ...(loaded.settings.engineHost === undefined ? {} : { engineHost: loaded.settings.engineHost }),
    isolation: options.isolation ?? 'auto',
    expectedJobs: 1,
    warn: (message) => void printMessage(invocation, message),
    onLeft: () => {
      isClean = false;
    },
  });
  const ending = listenForEnd(invocation, given.visitor, executors);
  const tidying = tidy({
    place: location,
    cacheDirectory: loaded.locations.cache,
    path: invocation.env['PATH'] ?? '',
    nowMs: systemClock.now(),
    signal: ending.signal,
  });
  const engines = given.node.executor === 'docker' ? [engineLocation(invocation.env, loaded.settings.engineHost)] : [];
  const reaper = startReaper(invocation, { workspaces: place.directory }, engines);
  try {
    const { outcome, exit } = await inPlace(invocation, given, { place, executors, signal: ending.signal });
    const received = ending.received();
    if (received !== undefined) return signalExitCode(received);
    if (exit !== undefined) return exitCodeOfShell(exit);
    if (outcome.status !== 'failed') return exitCodes.failed;
    throw new CommandError(
      exitCodes.system,
      outcome.message ?? outcome.reason,
      outcome.hint ?? '-v shows what was done',
    );
  } catch (error) {
    const received = ending.received();
    if (received === undefined || !ending.signal.aborted) throw error;
    return signalExitCode(received);
  } finally {
    await executors.close();
    await tidying;
    await place.remove().catch((error: unknown) => printMessage(invocation, String(error)));
    if (isClean) reaper?.dismiss();
    ending[Symbol.dispose]();
  }
}

interface Made {
  readonly place: ShellPlace;
  readonly executors: Executors;
  /** Aborted when all has to end. */
  readonly signal: AbortSignal;
}

async function inPlace(
  invocation: Invocation,
  given: ShellRun,
  { place, executors, signal }: Made,
): Promise<{ readonly outcome: Outcome; readonly exit: Exit | undefined }> {
  const { loaded, node, options } = given;
  const clock = systemClock;
  const screen = shellScreen(invocation, options.verbose ? 'verbose' : 'normal');
  const pipelineRun = { ...given, earlier: undefined, look: undefined, reports: [] };
  await using snapshot = await snapshotFor(invocation, pipelineRun, signal);
  tellSnapshot(snapshot, options, screen.emit);
  const key = projectKey(loaded.file.root);
  await using caches = cacheStore({ directory: projectCacheDirectory(loaded.locations.cache, key), now: clock.now });
  const artifacts = artifactStore(place.artifactsDirectory);
  const { earlier, runId } = await fromLastRun(invocation, given, artifacts);
  const run = { ...newNodeRun(node), attempts: 1, number: 1 };
  const pipeline: ScheduledPipeline = {
    plan: given.plan,
    file: loaded.name,
    projectPath: loaded.context.project.path,
    source: sourceFor(pipelineRun, snapshot),
    variables: lateVariables({ stateDirectory: loaded.locations.state, now: clock.now })(runId),
    repository: repositoryFacts(invocation, loaded.context),
    ...(earlier === undefined ? {} : { earlier: earlier.jobs }),
  };
  const specs = jobSpecs(pipeline, new Map([[node.id, run]]), { runId: place.id });
  const lease: JobLease = {
    spec: specs.of(node, run),
    cancel: signal,
    abort: signal,
    log: { write: () => screen.ready() },
  };
  let exit: Exit | undefined;
  const { outcome } = await runJob(lease, {
    executor: await executors.get(node.executor),
    artifacts,
    ...(options.cache ? { caches } : {}),
    emit: screen.emit,
    clock,
    runner: runnerFacts(invocation.version),
    insteadOfScripts: async (jobPlace) => {
      if (given.visitor.kind === 'terminal' && !options.quiet) {
        const thrownAway = options.inPlace
          ? 'this is your working tree itself: changes stay'
          : 'changes are thrown away when you leave';
        await printMessage(invocation, `you are in ${whereabouts(jobPlace)}`);
        await printMessage(invocation, `${thrownAway}; the script has not run`);
      }
      const { command } = given;
      exit = await visitJob(jobPlace, given.visitor, { invocation, ...(command === undefined ? {} : { command }) });
    },
  });
  return { outcome, exit };
}

/** Artifacts and variables of the jobs that this one gets them from; tells which are missing. */
async function fromLastRun(
  invocation: Invocation,
  { loaded, node, options, plan }: ShellRun,
  artifacts: ArtifactStore,
): Promise<{ readonly earlier: TakenOver | undefined; readonly runId: string }> {
  const location = { stateDirectory: loaded.locations.state, projectRoot: loaded.file.root };
  const last = await readRun(location, 'last');
  const runId = last?.run.id ?? '1';
  if (!options.needs || node.artifactsFrom.length === 0) return { earlier: undefined, runId };
  const earlier =
    last === undefined ? undefined : await takeOver(plan, { location, last, artifacts, wanted: node.artifactsFrom });
  const missing = node.artifactsFrom.filter((id) => (earlier?.records[id]?.artifacts.length ?? 0) === 0);
  if (missing.length > 0 && !options.quiet) {
    const where = last === undefined ? 'there is no run yet' : 'no run has them';
    await printMessage(invocation, `without artifacts of ${missing.join(', ')}: ${where} (\`ci run\` makes them)`);
  }
  return { earlier, runId };
}

interface ShellEnding extends Disposable {
  /** Aborted when all has to end. */
  readonly signal: AbortSignal;
  received(): NodeJS.Signals | undefined;
}

function listenForEnd({ outputLost }: Invocation, visitor: Visitor, executors: Executors): ShellEnding {
  const controller = new AbortController();
  const end = (): void => controller.abort(new Error('the shell has to end'));
  if (outputLost.aborted) end();
  else outputLost.addEventListener('abort', end, { once: true });
  const signals = handleSignals({
    stop: end,
    dropEverything: () => executors.kill(),
    ignores: (signal) => signal === 'SIGINT' && visitor.kind === 'terminal' && visitor.terminal.isLent,
  });
  return {
    signal: controller.signal,
    received: signals.received,
    [Symbol.dispose]: () => {
      outputLost.removeEventListener('abort', end);
      signals[Symbol.dispose]();
    },
  };
}
