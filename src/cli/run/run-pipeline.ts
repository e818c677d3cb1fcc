import type { Emit } from '../../model/event.ts';
import type { Plan } from '../../model/plan.ts';
import { eventsFileReporter } from '../../reporters/events-file.ts';
import { holdableOutput } from '../../reporters/holdable-output.ts';
import { streamOutput, type TerminalStream } from '../../reporters/output.ts';
import { reportFilesReporter } from '../../reporters/report-files.ts';
import { fanOut } from '../../reporters/reporter.ts';
import { artifactStore } from '../../stores/artifact-store.ts';
import { createRun, type Run, type RunStoreLocation, type StartedRun } from '../../stores/run-store.ts';
import { systemClock } from '../../util/clock.ts';
import { removeTree } from '../../util/files/remove-tree.ts';
import type { Snapshot } from '../../workspaces/take-snapshot.ts';
import { containerOptions, pullRules } from '../container-settings.ts';
import { type Invocation, printMessage } from '../invocation.ts';
import { sshSettings } from '../ssh-settings.ts';
import { type TakenOver, takenOverRemarks, takeOver } from './earlier-run.ts';
import { listenForEnding } from './ending.ts';
import { createExecutors, type ExecutorSettings, type Executors, engineLocation } from './executors.ts';
import { failureShells } from './failure-shells.ts';
import { keptJobs, removeIfEmpty } from './kept-jobs.ts';
import type { PipelineEnd, PipelineRun } from './pipeline-run.ts';
import { projectCaches } from './project-caches.ts';
import { startReaper } from './reaper.ts';
import { runJobs } from './run-jobs.ts';
import { runRecorder } from './run-recorder.ts';
import { screenReporter } from './screen-reporter.ts';
import { snapshotFor, tellSnapshot } from './source-tree.ts';
import { tidy } from './tidy.ts';

/** Runs a plan on this machine: puts all the parts together, and takes everything down again whatever happens. */
export async function runPipeline(invocation: Invocation, given: PipelineRun): Promise<PipelineEnd> {
  const { loaded, plan, options, earlier } = given;
  const { locations, file } = loaded;
  const clock = systemClock;
  const { git } = loaded.context;
  const place = { stateDirectory: locations.state, projectRoot: file.root };
  const run = await createRun(place, { file: loaded.name, nowMs: clock.now(), ref: git.tag ?? git.branch });
  const artifacts = artifactStore(run.artifactsDirectory);
  await using caches = projectCaches({ directory: locations.cache, now: clock.now });
  caches.add(loaded.context.project.path, file.root);
  const taken = earlier === undefined ? undefined : await takeOver(plan, { location: place, last: earlier, artifacts });
  let isClean = true;
  const executors = executorsFor(invocation, given, run, {
    warn: (message) => emit({ type: 'warning', at: clock.now(), message }),
    onLeft: () => {
      isClean = false;
    },
  });
  const told = await reportersFor(invocation, given, run, taken);
  const { output, screen, recorder } = told;
  const emit: Emit = (event) => told.all.on(event);
  const nodes = new Map(plan.nodes.map((node) => [node.id, node]));
  const shells = await failureShells(invocation, { options, nodes, output, screen, logPath: run.logPath });
  const keep = keepsJobs(given) ? keptJobs({ run, nodes, emit, clock }) : undefined;
  using ending = listenForEnding(invocation, {
    ...{ executors, screen, stop: given.stop },
    ...(shells === undefined ? {} : { ignores: shells.ignores }),
    tell: (message) => emit({ type: 'notice', at: clock.now(), message }),
  });
  const copying = snapshotUnlessStopped(invocation, given, ending.stopping);
  // While git lists the tree and before anything of a job is made.
  const reaper = reaperFor(invocation, given, run);
  executors.expect(plan.nodes);
  const tidying = tidyBeside(invocation, given, place, ending.stopping);
  try {
    await using snapshot = await copying;
    tellRemarks(plan, taken, emit);
    tellSnapshot(snapshot, options, emit);
    const shared = { run, place, artifacts, caches, taken, executors, recorder, output, nodes, shells, keep };
    const result = await runJobs(invocation, given, { ...shared, ending, emit, clock }, snapshot);
    return { result, run, signal: ending.signal() };
  } finally {
    await executors.close();
    const problem = await removeWorkspaces(run);
    if (keepsJobs(given)) await removeIfEmpty(run.keptDirectory);
    if (isClean) reaper?.dismiss();
    await tidying;
    await told.all.close();
    if (problem !== undefined) await printMessage(invocation, problem);
  }
}

/** What failed jobs worked with is kept for the user to look at. */
function keepsJobs({ options }: PipelineRun): boolean {
  return options.onFailure === 'keep';
}

function executorsFor(
  invocation: Invocation,
  given: PipelineRun,
  run: Run,
  on: Pick<ExecutorSettings, 'warn' | 'onLeft'>,
): Executors {
  const { options, plan } = given;
  const { settings } = given.loaded;
  const keeps = keepsJobs(given);
  const containers = containerOptions(options, settings);
  return createExecutors(invocation, {
    workspaces: keeps ? run.keptDirectory : run.workspacesDirectory,
    pull: pullRules(options, containers),
    containers,
    ssh: sshSettings(settings.ssh, options.sshHost),
    ...(settings.engineHost === undefined ? {} : { engineHost: settings.engineHost }),
    engine: given.engine,
    // What is kept may not depend on snapshots and caches, which change.
    isolation: keeps ? 'copy' : (options.isolation ?? 'auto'),
    expectedJobs: plan.nodes.filter((node) => node.kind === 'job').length,
    ...on,
  });
}

/** Who is told of all events (`all`), and what stands on the screen. */
async function reportersFor(
  invocation: Invocation,
  { options, reports }: PipelineRun,
  run: StartedRun,
  taken: TakenOver | undefined,
) {
  const output = holdableOutput(streamOutput(invocation.stdout.stream as TerminalStream));
  const recorder = runRecorder(run, run.initialState, taken?.records);
  const screen = await screenReporter(invocation, options, output);
  const files = reports.length > 0 ? [reportFilesReporter(reports)] : [];
  const all = fanOut([recorder, await eventsFileReporter(run.eventsPath), ...files, screen]);
  return { output, recorder, screen, all };
}

function reaperFor(invocation: Invocation, given: PipelineRun, run: Run): ReturnType<typeof startReaper> {
  const inContainers = given.plan.nodes.some(
    (node) => node.kind === 'bridge' || (node.kind === 'job' && node.executor === 'docker'),
  );
  const engines = inContainers ? [engineLocation(invocation.env, given.loaded.settings.engineHost)] : [];
  const directories = keepsJobs(given) ? { kept: run.keptDirectory } : { workspaces: run.workspacesDirectory };
  return startReaper(invocation, directories, engines);
}

function tidyBeside(
  invocation: Invocation,
  { loaded }: PipelineRun,
  place: RunStoreLocation,
  signal: AbortSignal,
): Promise<void> {
  const { cache } = loaded.locations;
  return tidy({ place, cacheDirectory: cache, path: invocation.env['PATH'] ?? '', nowMs: Date.now(), signal });
}

function tellRemarks(plan: Plan, taken: TakenOver | undefined, emit: Emit): void {
  const { notices, warnings } = taken === undefined ? { notices: [], warnings: [] } : takenOverRemarks(taken);
  for (const message of [...plan.notices, ...notices]) emit({ type: 'notice', at: Date.now(), message });
  for (const message of warnings) emit({ type: 'warning', at: Date.now(), message });
}

/** When the run has to end already there is nothing to copy: every job is then told as canceled. */
async function snapshotUnlessStopped(
  invocation: Invocation,
  given: PipelineRun,
  stopping: AbortSignal,
): Promise<Snapshot | undefined> {
  try {
    return await snapshotFor(invocation, given, stopping);
  } catch (error) {
    if (stopping.aborted) return undefined;
    throw error;
  }
}

/** What a job left as another user (by `sudo`) can't be removed: that must not hide how the run ended. */
async function removeWorkspaces(run: Run): Promise<string | undefined> {
  try {
    await removeTree(run.workspacesDirectory);
    return undefined;
  } catch (error) {
    return `a job's directory could not be removed: ${error instanceof Error ? error.message : String(error)}`;
  }
}
