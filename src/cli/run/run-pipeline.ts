import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { runJob } from '../../job/run-job.ts';
import type { Emit, Event } from '../../model/event.ts';
import type { Source } from '../../model/job-spec.ts';
import type { Plan } from '../../model/plan.ts';
import type { JobLease } from '../../model/ports.ts';
import { resolveColor } from '../../reporters/color.ts';
import { eventsFileReporter } from '../../reporters/events-file.ts';
import { chooseReporter, createReporter } from '../../reporters/index.ts';
import { openLogFile } from '../../reporters/log-files.ts';
import { type Output, streamOutput, type TerminalStream } from '../../reporters/output.ts';
import { type ReportFile, reportFilesReporter } from '../../reporters/report-files.ts';
import { fanOut, type Reporter } from '../../reporters/reporter.ts';
import type { PipelineResult } from '../../schedule/pipeline-result.ts';
import { PlanSource } from '../../schedule/plan-source.ts';
import { runWorkers } from '../../schedule/run-workers.ts';
import { artifactStore } from '../../stores/artifact-store.ts';
import { cacheStore, projectCacheDirectory } from '../../stores/cache-store.ts';
import { projectKey } from '../../stores/project-key.ts';
import { resourceLocks } from '../../stores/resource-locks.ts';
import { createRun, type Run, readRun, type StoredRun } from '../../stores/run-store.ts';
import { anySignal } from '../../util/any-signal.ts';
import { systemClock } from '../../util/clock.ts';
import { removeTree } from '../../util/files/remove-tree.ts';
import { runGit } from '../../util/git.ts';
import { type Snapshot, takeSnapshot } from '../../workspaces/take-snapshot.ts';
import { type Invocation, print } from '../invocation.ts';
import type { LoadedPipeline } from '../load-pipeline.ts';
import type { RunOptions } from '../options.ts';
import { enclosingRepository } from '../pipeline-file.ts';
import { takeOver } from './earlier-run.ts';
import { createExecutors } from './executors.ts';
import { runRecorder } from './run-recorder.ts';
import { handleSignals } from './signals.ts';
import { tidy } from './tidy.ts';

export interface PipelineRun {
  readonly loaded: LoadedPipeline;
  readonly plan: Plan;
  readonly options: RunOptions;
  /** A run whose artifacts this one goes on from. */
  readonly earlier: StoredRun | undefined;
  readonly reports: readonly ReportFile[];
  /** Aborted to end the run from outside, for `--watch`. */
  readonly stop?: AbortSignal;
}

export interface PipelineEnd {
  readonly result: PipelineResult;
  readonly run: Run;
  readonly signal: NodeJS.Signals | undefined;
}

/** Runs a plan on this machine: puts all the parts together, and takes everything down again whatever happens. */
export async function runPipeline(invocation: Invocation, given: PipelineRun): Promise<PipelineEnd> {
  const { loaded, plan, options, earlier } = given;
  const { locations, file } = loaded;
  const clock = systemClock;
  const place = { stateDirectory: locations.state, projectRoot: file.root };
  const run = await createRun(place, { file: loaded.name, nowMs: clock.now() });
  const key = projectKey(file.root);
  const artifacts = artifactStore(run.artifactsDirectory);
  await using caches = cacheStore({ directory: projectCacheDirectory(locations.cache, key), now: clock.now });
  const taken = earlier === undefined ? undefined : await takeOver(plan, earlier, artifacts);
  const executors = createExecutors(invocation, {
    workspaces: run.workspacesDirectory,
    pull: options.offline ? 'never' : (options.pull ?? 'if-not-present'),
    privileged: options.privileged ?? false,
  });
  const output = streamOutput(invocation.stdout.stream as TerminalStream);
  const recorder = runRecorder(run, (await readRun(place, run.id))!.state, taken?.records);
  const reporter = await screenReporter(invocation, options, output);
  const all = fanOut([
    recorder,
    await eventsFileReporter(run.eventsPath),
    ...(given.reports.length > 0 ? [reportFilesReporter(given.reports)] : []),
    reporter,
  ]);
  const emit: Emit = (event) => all.on(event);
  const stopping = new AbortController();
  let source: PlanSource | undefined;
  using signals = handleSignals({
    stop: (signal) => {
      stopping.abort(new Error(signal));
      source?.cancel(signal);
    },
    dropEverything: (signal) => {
      source?.cancel(signal);
      executors.kill();
      reporter.abort?.();
    },
  });
  const stopFromOutside = (): void => {
    const reason = invocation.outputLost.aborted ? 'nobody takes the output' : 'files changed';
    stopping.abort(new Error(reason));
    source?.cancel(reason);
  };
  using joined = anySignal([invocation.outputLost, ...(given.stop ? [given.stop] : [])]);
  if (joined.signal.aborted) stopFromOutside();
  else joined.signal.addEventListener('abort', stopFromOutside, { once: true });
  const tidying = tidy({ place, cacheDirectory: locations.cache, nowMs: clock.now(), signal: stopping.signal });
  try {
    await using snapshot = await snapshotFor(
      invocation,
      given,
      join(locations.cache, 'snapshots', key),
      stopping.signal,
    ).catch((error: unknown) => {
      // Every job is then told as canceled.
      if (stopping.signal.aborted) return undefined;
      throw error;
    });
    for (const message of plan.notices) emit({ type: 'notice', at: clock.now(), message });
    tellSnapshot(snapshot, options, emit);
    source = new PlanSource(plan, {
      runId: run.id,
      file: loaded.name,
      projectPath: loaded.context.project.path,
      source: sourceFor(given, snapshot),
      emit,
      clock,
      openLog: async (jobId) => {
        const log = await openLogFile(run.logPath(jobId));
        const write = async (bytes: Uint8Array): Promise<void> => {
          await log.sink.write(bytes);
          // A slow terminal slows the job down, so that memory stays bounded.
          await output.ready();
        };
        return { sink: { write }, path: log.path, close: () => log.close() };
      },
      locks: resourceLocks(join(locations.runtime, 'locks')),
      onFailure: options.onFailure ?? 'continue',
      variables: () => runVariables(run.id),
      ...(taken === undefined ? {} : { earlier: taken.jobs }),
    });
    if (stopping.signal.aborted) source.cancel('canceled before it began');
    const slots = freeSlots();
    await runWorkers(source, {
      concurrency: options.concurrency ?? availableParallelism(),
      runJob: async (lease: JobLease) => {
        const slot = slots.take();
        try {
          const ended = await runJob(lease, {
            executor: await executors.get(lease.spec.executor),
            artifacts,
            ...(options.cache ? { caches } : {}),
            emit,
            clock,
            runner: { name: 'pipewright', version: invocation.version, revision: 'local', platform: platformName() },
            concurrentId: slot,
          });
          recorder.outputs(lease.spec.id, ended.outputs);
          return ended;
        } finally {
          slots.give(slot);
        }
      },
    });
    const result = await source.finished;
    return { result, run, signal: signals.received() };
  } finally {
    await executors.close();
    const problem = await removeWorkspaces(run);
    await tidying;
    await all.close();
    if (problem !== undefined) await print(invocation.stderr, `ci: ${problem}\n`);
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

async function screenReporter(invocation: Invocation, options: RunOptions, output: Output): Promise<Reporter> {
  const verbosity = options.quiet ? 'quiet' : options.verbose ? 'verbose' : 'normal';
  const { env, stdout } = invocation;
  const name = chooseReporter(options.reporter ?? 'auto', { isTTY: stdout.isTty, env, verbosity });
  // GitHub and GitLab show colours though their logs are no terminal.
  const isTTY = stdout.isTty || name === 'github' || name === 'gitlab';
  const color = resolveColor({ flag: options.color ?? 'auto', env, isTTY });
  return createReporter(name, { output, color, verbosity, env });
}

/** The run's copy of the tree; nothing is copied when no job wants sources. */
async function snapshotFor(
  invocation: Invocation,
  { loaded, plan, options }: PipelineRun,
  storeDirectory: string,
  signal: AbortSignal,
): Promise<Snapshot | undefined> {
  const wanted = plan.nodes.some(
    (node) =>
      node.kind === 'job' &&
      !(options.inPlace && node.executor === 'shell') &&
      node.definition.steps.some(({ kind }) => kind === 'checkout'),
  );
  if (!wanted) return undefined;
  // A repository without a commit yet has files to list all the same.
  const topLevel = enclosingRepository(loaded.file.root);
  return takeSnapshot({
    projectRoot: loaded.file.root,
    ...(topLevel === undefined ? {} : { topLevel }),
    storeDirectory,
    git: (directory, args) => runGit(args, { cwd: directory, env: invocation.env }),
    nowMs: Date.now(),
    signal,
  });
}

function tellSnapshot(snapshot: Snapshot | undefined, options: RunOptions, emit: Emit): void {
  if (snapshot === undefined) return;
  const tell = (type: 'notice' | 'warning', message: string): void => emit({ type, at: Date.now(), message } as Event);
  for (const { path, because } of snapshot.skipped.slice(0, 10))
    tell('warning', `${path} is not in the copy of the tree: ${because}`);
  if (options.verbose) {
    tell(
      'notice',
      `copy of the tree: ${snapshot.files} files, ${snapshot.copied} copied now, the rest shared with the last run`,
    );
  }
}

function sourceFor({ loaded, options }: PipelineRun, snapshot: Snapshot | undefined): Source {
  if (options.inPlace) return { kind: 'in-place', directory: loaded.file.root };
  if (snapshot === undefined) return { kind: 'none' };
  return { kind: 'snapshot', tree: snapshot.tree, gitObjects: snapshot.gitObjects };
}

function runVariables(runId: string) {
  return ['CI_PIPELINE_ID', 'CI_PIPELINE_IID'].map((name) => ({ name, value: runId, raw: true }));
}

/** Lowest free numbers, for `CI_CONCURRENT_ID`. */
function freeSlots(): { take(): number; give(slot: number): void } {
  const taken = new Set<number>();
  return {
    take: () => {
      let slot = 0;
      while (taken.has(slot)) slot++;
      taken.add(slot);
      return slot;
    },
    give: (slot) => taken.delete(slot),
  };
}

function platformName(): string {
  const names: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };
  return `${process.platform}/${names[process.arch] ?? process.arch}`;
}
