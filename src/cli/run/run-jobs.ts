import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../../model/context.ts';
import type { Emit } from '../../model/event.ts';
import type { Source } from '../../model/job-spec.ts';
import type { PlanNode } from '../../model/plan.ts';
import type { HoldableOutput } from '../../reporters/holdable-output.ts';
import type { PipelineResult } from '../../schedule/pipeline-result.ts';
import { PlanSource } from '../../schedule/plan-source.ts';
import { runWorkers } from '../../schedule/run-workers.ts';
import type { ArtifactStore } from '../../stores/artifact-store.ts';
import { resourceLocks } from '../../stores/resource-locks.ts';
import type { Run, RunStoreLocation } from '../../stores/run-store.ts';
import type { Clock } from '../../util/clock.ts';
import { ownStarts } from '../../util/process-launcher.ts';
import type { Snapshot } from '../../workspaces/take-snapshot.ts';
import { earlierElsewhere } from '../downstream/earlier-elsewhere.ts';
import { projectOpener } from '../downstream/open-project.ts';
import { originOf } from '../downstream/origin-of.ts';
import type { Invocation } from '../invocation.ts';
import { bridgeExpander } from './bridge-expander.ts';
import type { TakenOver } from './earlier-run.ts';
import type { Ending } from './ending.ts';
import { holdMemoryDown } from './hold-memory-down.ts';
import { type JobRunnerParts, jobRunner } from './job-runner.ts';
import { openJobLog } from './open-job-log.ts';
import type { PipelineRun } from './pipeline-run.ts';
import type { ProjectCaches } from './project-caches.ts';
import { repositoryFacts } from './repository-facts.ts';
import { runTestTimings } from './run-test-timings.ts';
import { lateVariables } from './run-variables.ts';
import { type OtherTrees, otherTrees, sourceFor } from './source-tree.ts';

/** What the jobs of a run share. It outlives them: who made a part takes it down. */
export interface SharedParts extends Pick<JobRunnerParts, 'executors' | 'recorder' | 'shells' | 'keep'> {
  readonly run: Run;
  readonly place: RunStoreLocation;
  readonly artifacts: ArtifactStore;
  readonly caches: ProjectCaches;
  /** Of an earlier run that this one goes on from. */
  readonly taken: TakenOver | undefined;
  /** Of all pipelines of the run, by id: what bridges start is added. */
  readonly nodes: Map<string, PlanNode>;
  readonly output: HoldableOutput;
  readonly ending: Ending;
  readonly emit: Emit;
  readonly clock: Clock;
}

/**
 * Runs the jobs of a plan, and those of the pipelines that its bridges start, until each has ended.
 * @param snapshot the copy of the tree that they get their sources from; absent: there is none.
 */
export async function runJobs(
  invocation: Invocation,
  given: PipelineRun,
  parts: SharedParts,
  snapshot: Snapshot | undefined,
): Promise<PipelineResult> {
  const { plan, options, earlier } = given;
  const { run, place, artifacts, caches, ending, emit, clock } = parts;
  const own = sourceFor(given, snapshot);
  await using trees = otherTrees(invocation, given, { own, signal: ending.stopping });
  const source = scheduled(invocation, given, parts, { own, trees });
  ending.watch(source);
  const ownJobs = plan.nodes.filter((node) => node.kind === 'job').length;
  using _memory = await holdMemoryDown(ownStarts(ownJobs, invocation.env['PATH'] ?? ''));
  await runWorkers(source, {
    concurrency: options.concurrency ?? availableParallelism(),
    runJob: jobRunner({
      ...{ artifacts, emit, clock, ...(options.cache ? { caches } : {}) },
      ...{ executors: parts.executors, recorder: parts.recorder, shells: parts.shells, keep: parts.keep },
      testTimings: runTestTimings(place, run, earlier?.run),
      version: invocation.version,
    }),
  });
  return await source.finished;
}

/** The plan as a source of jobs, which knows what its bridges start. */
function scheduled(
  invocation: Invocation,
  { loaded, plan, options, selection }: PipelineRun,
  parts: SharedParts,
  { own, trees }: { readonly own: Source; readonly trees: OtherTrees },
): PlanSource {
  const { run, artifacts, caches, nodes, taken, output, emit, clock } = parts;
  const { locations, context } = loaded;
  const late = lateVariables({ stateDirectory: locations.state, now: clock.now });
  const repository = (of: Context) => repositoryFacts(invocation, of);
  const elsewhere = earlierElsewhere({ stateDirectory: locations.state, projects: context.projects });
  const open = projectOpener(invocation, loaded, {
    flags: options.project ?? [],
    policy: options.offline ? 'never' : 'when-needed',
  });
  return new PlanSource(plan, {
    runId: run.id,
    file: loaded.name,
    projectPath: context.project.path,
    source: own,
    expand: bridgeExpander(
      { runId: run.id, sourceOf: trees.of, artifacts, caches, elsewhere, nodes, late, repository },
      originOf(loaded, { selection, pipelineId: run.id, open }),
    ),
    emit,
    clock,
    openLog: (jobId) => openJobLog(run.logPath(jobId), output),
    locks: resourceLocks(join(locations.runtime, 'locks')),
    onFailure: options.onFailure === 'stop' ? 'stop' : 'continue',
    id: run.id,
    variables: late(run.id),
    repository: repository(context),
    findElsewhere: elsewhere.job,
    ...(taken === undefined ? {} : { earlier: taken.jobs }),
  });
}
