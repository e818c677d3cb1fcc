import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../../model/context.ts';
import type { Emit } from '../../model/event.ts';
import type { Plan } from '../../model/plan.ts';
import { eventsFileReporter } from '../../reporters/events-file.ts';
import { holdableOutput } from '../../reporters/holdable-output.ts';
import { streamOutput, type TerminalStream } from '../../reporters/output.ts';
import { reportFilesReporter } from '../../reporters/report-files.ts';
import { fanOut } from '../../reporters/reporter.ts';
import { PlanSource } from '../../schedule/plan-source.ts';
import { runWorkers } from '../../schedule/run-workers.ts';
import { artifactStore } from '../../stores/artifact-store.ts';
import { resourceLocks } from '../../stores/resource-locks.ts';
import { createRun, type Run } from '../../stores/run-store.ts';
import { systemClock } from '../../util/clock.ts';
import { removeTree } from '../../util/files/remove-tree.ts';
import { ownStarts } from '../../util/process-launcher.ts';
import type { Snapshot } from '../../workspaces/take-snapshot.ts';
import { containerOptions, pullRules } from '../container-settings.ts';
import { earlierElsewhere } from '../downstream/earlier-elsewhere.ts';
import { projectOpener } from '../downstream/open-project.ts';
import { originOf } from '../downstream/origin-of.ts';
import { type Invocation, printMessage } from '../invocation.ts';
import { sshSettings } from '../ssh-settings.ts';
import { bridgeExpander } from './bridge-expander.ts';
import { type TakenOver, takenOverRemarks, takeOver } from './earlier-run.ts';
import { listenForEnding } from './ending.ts';
import { createExecutors, engineLocation } from './executors.ts';
import { failureShells } from './failure-shells.ts';
import { holdMemoryDown } from './hold-memory-down.ts';
import { jobRunner } from './job-runner.ts';
import { keptJobs, removeIfEmpty } from './kept-jobs.ts';
import { openJobLog } from './open-job-log.ts';
import type { PipelineEnd, PipelineRun } from './pipeline-run.ts';
import { projectCaches } from './project-caches.ts';
import { startReaper } from './reaper.ts';
import { repositoryFacts } from './repository-facts.ts';
import { runRecorder } from './run-recorder.ts';
import { runTestTimings } from './run-test-timings.ts';
import { lateVariables } from './run-variables.ts';
import { screenReporter } from './screen-reporter.ts';
import { otherTrees, snapshotFor, sourceFor, tellSnapshot } from './source-tree.ts';
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
  const keeps = options.onFailure === 'keep';
  const expectedJobs = plan.nodes.filter((node) => node.kind === 'job').length;
  const containers = containerOptions(options, loaded.settings);
  const executors = createExecutors(invocation, {
    workspaces: keeps ? run.keptDirectory : run.workspacesDirectory,
    pull: pullRules(options, containers),
    containers,
    ssh: sshSettings(loaded.settings.ssh, options.sshHost),
    ...(loaded.settings.engineHost === undefined ? {} : { engineHost: loaded.settings.engineHost }),
    engine: given.engine,
    // What is kept may not depend on snapshots and caches, which change.
    isolation: keeps ? 'copy' : (options.isolation ?? 'auto'),
    expectedJobs,
    warn: (message) => emit({ type: 'warning', at: clock.now(), message }),
    onLeft: () => {
      isClean = false;
    },
  });
  const output = holdableOutput(streamOutput(invocation.stdout.stream as TerminalStream));
  const recorder = runRecorder(run, run.initialState, taken?.records);
  const screen = await screenReporter(invocation, options, output);
  const reports = given.reports.length > 0 ? [reportFilesReporter(given.reports)] : [];
  const all = fanOut([recorder, await eventsFileReporter(run.eventsPath), ...reports, screen]);
  const emit: Emit = (event) => all.on(event);
  const nodes = new Map(plan.nodes.map((node) => [node.id, node]));
  const shells = await failureShells(invocation, { options, nodes, output, screen, logPath: run.logPath });
  const keep = keeps ? keptJobs({ run, nodes, emit, clock }) : undefined;
  const ignores = shells === undefined ? {} : { ignores: shells.ignores };
  using ending = listenForEnding(invocation, {
    ...{ executors, screen, stop: given.stop, ...ignores },
    tell: (message) => emit({ type: 'notice', at: clock.now(), message }),
  });
  const copying = snapshotUnlessStopped(invocation, given, ending.stopping);
  // While git lists the tree and before anything of a job is made.
  const inContainers = plan.nodes.some(
    (node) => node.kind === 'bridge' || (node.kind === 'job' && node.executor === 'docker'),
  );
  const engine = inContainers ? engineLocation(invocation.env, loaded.settings.engineHost) : undefined;
  const directories = keeps ? { kept: run.keptDirectory } : { workspaces: run.workspacesDirectory };
  const reaper = startReaper(invocation, directories, engine);
  executors.expect(plan.nodes);
  const tidying = tidy({
    place,
    cacheDirectory: locations.cache,
    path: invocation.env['PATH'] ?? '',
    nowMs: clock.now(),
    signal: ending.stopping,
  });
  try {
    await using snapshot = await copying;
    tellRemarks(plan, taken, emit);
    tellSnapshot(snapshot, options, emit);
    const late = lateVariables({ stateDirectory: locations.state, now: clock.now });
    const repository = (context: Context) => repositoryFacts(invocation, context);
    const sources = sourceFor(given, snapshot);
    await using trees = otherTrees(invocation, given, { own: sources, signal: ending.stopping });
    const open = projectOpener(invocation, loaded, {
      flags: options.project ?? [],
      policy: options.offline ? 'never' : 'when-needed',
    });
    const { projects } = loaded.context;
    const elsewhere = earlierElsewhere({ stateDirectory: locations.state, projects });
    const source = new PlanSource(plan, {
      runId: run.id,
      file: loaded.name,
      projectPath: loaded.context.project.path,
      source: sources,
      expand: bridgeExpander(
        { runId: run.id, sourceOf: trees.of, artifacts, caches, elsewhere, nodes, late, repository },
        originOf(loaded, { selection: given.selection, pipelineId: run.id, open }),
      ),
      emit,
      clock,
      openLog: (jobId) => openJobLog(run.logPath(jobId), output),
      locks: resourceLocks(join(locations.runtime, 'locks')),
      onFailure: options.onFailure === 'stop' ? 'stop' : 'continue',
      id: run.id,
      variables: late(run.id),
      repository: repository(loaded.context),
      findElsewhere: elsewhere.job,
      ...(taken === undefined ? {} : { earlier: taken.jobs }),
    });
    ending.watch(source);
    using _memory = await holdMemoryDown(ownStarts(expectedJobs));
    const shared = { artifacts, emit, clock, ...(options.cache ? { caches } : {}) };
    await runWorkers(source, {
      concurrency: options.concurrency ?? availableParallelism(),
      runJob: jobRunner({
        ...shared,
        testTimings: runTestTimings(place, run, earlier?.run),
        executors,
        recorder,
        version: invocation.version,
        shells,
        keep,
      }),
    });
    return { result: await source.finished, run, signal: ending.signal() };
  } finally {
    await executors.close();
    const problem = await removeWorkspaces(run);
    if (keeps) await removeIfEmpty(run.keptDirectory);
    if (isClean) reaper?.dismiss();
    await tidying;
    await all.close();
    if (problem !== undefined) await printMessage(invocation, problem);
  }
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
