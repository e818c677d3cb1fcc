import { join, resolve } from 'node:path';
import { askFactsAhead } from '../../context/gather-git-facts.ts';
import { type ReportFile, type ReportKind, reportKinds } from '../../reporters/report-files.ts';
import type { StoredRun } from '../../stores/run-store.ts';
import { cloneTree } from '../../util/files/clone-tree.ts';
import { gitTogether } from '../../util/git.ts';
import { CommandError, exitCodes, lostOutputExitCode, signalExitCode } from '../exit-code.ts';
import { type Invocation, printMessage } from '../invocation.ts';
import { type FoundPipeline, findPipeline, loadPipeline } from '../load-pipeline.ts';
import { type LoadedPlan, planLoaded } from '../load-plan.ts';
import type { RunOptions } from '../options.ts';
import { confirmManual } from '../run/confirm-manual.ts';
import { failedLastTime, lastRun } from '../run/earlier-run.ts';
import { neededEngine } from '../run/needed-engine.ts';
import type { PipelineEnd } from '../run/pipeline-run.ts';
import { runPipeline } from '../run/run-pipeline.ts';
import { beginLookAtSources } from '../run/source-tree.ts';
import { withSettings } from '../settings.ts';

/** `ci run [SELECTOR…]`: runs the pipeline, or the selected jobs with everything they need. */
export async function run(invocation: Invocation, selectors: readonly string[], flags: RunOptions): Promise<number> {
  if (flags.dryRun) {
    const { plan } = await import('./plan.ts');
    return plan(invocation, selectors, { ...flags, format: 'text' });
  }
  const reports = flags.report.map((text) => readReport(invocation.cwd, text));
  if (flags.watch) {
    const { watchAndRun } = await import('../run/watch.ts');
    const written = [
      ...reports.map(({ path }) => path),
      ...(flags.artifactsDir === undefined ? [] : [resolve(invocation.cwd, flags.artifactsDir)]),
    ];
    return watchAndRun(invocation, flags, written, (stop) => runOnce(invocation, selectors, flags, reports, stop));
  }
  return runOnce(invocation, selectors, flags, reports);
}

async function runOnce(
  invocation: Invocation,
  selectors: readonly string[],
  flags: RunOptions,
  reports: readonly ReportFile[],
  stop?: AbortSignal,
): Promise<number> {
  const found = await findPipeline(invocation, flags);
  const options = withSettings(flags, found.settings);
  const earlier = await earlierRun(found, options);
  const git = gitTogether(invocation.env);
  const answers = askFactsAhead(found.file.root, git);
  await using look = beginLookAtSources(found, options, git);
  const fetch = options.offline ? 'never' : 'when-needed';
  const loaded = await loadPipeline(invocation, options, { found, fetch, answers });
  const only = options.failed ? await failedLastTime(invocation, loaded, options, earlier!) : undefined;
  const planned = await planLoaded(invocation, loaded, selectors, options, {
    quiet: options.quiet ?? false,
    ...(only === undefined ? {} : { only }),
  });
  const { plan, selection } = planned;
  if (plan.nodes.length === 0) {
    const why = options.failed ? 'nothing failed last time' : nothingToDo(planned);
    await printMessage(invocation, why);
    return exitCodes.ok;
  }
  const engine = await neededEngine(invocation, planned);
  const refused = await confirmManual(invocation, plan, options.yes || stop ? 'yes' : 'ask');
  if (refused !== undefined) {
    await printMessage(invocation, `nothing runs: ${refused} is not to be started`);
    return exitCodes.failed;
  }
  if (earlier !== undefined) await printMessage(invocation, `goes on from run ${earlier.run.id}`);
  const end = await runPipeline(invocation, {
    loaded,
    plan,
    selection,
    options,
    earlier,
    look,
    engine,
    reports,
    ...(stop ? { stop } : {}),
  });
  if (options.artifactsDir !== undefined) await copyArtifacts(end, resolve(invocation.cwd, options.artifactsDir));
  if (end.signal === undefined && invocation.outputLost.aborted)
    return lostOutputExitCode(invocation.outputLost.reason);
  return exitCodeOf(end);
}

async function earlierRun({ file, locations }: FoundPipeline, options: RunOptions): Promise<StoredRun | undefined> {
  if (!options.failed && options.from === undefined) return undefined;
  const location = { stateDirectory: locations.state, projectRoot: file.root };
  return lastRun(location, options.failed ? '--failed' : '--from');
}

function nothingToDo({ plan, loaded }: Pick<LoadedPlan, 'plan' | 'loaded'>): string {
  if (plan.leftOutBecause !== undefined) return `nothing runs: ${plan.leftOutBecause}`;
  const why = plan.decisions.length === 0 ? `${loaded.name} has no jobs` : 'rules leave every job out';
  return `nothing runs: ${why} (\`ci list\` and \`ci explain JOB\` tell more)`;
}

function readReport(cwd: string, text: string): ReportFile {
  const at = text.indexOf('=');
  const kind = text.slice(0, at);
  const path = text.slice(at + 1);
  if (at < 0 || path === '' || !(reportKinds as readonly string[]).includes(kind)) {
    throw new CommandError(exitCodes.usage, `--report ${text} is not KIND=FILE`, `kinds: ${reportKinds.join(', ')}`);
  }
  return { kind: kind as ReportKind, path: resolve(cwd, path) };
}

/** Failures that are the surroundings' fault. */
const systemReasons = new Set([
  'runner_system_failure',
  'runner_external_dependency_failure',
  'runner_configuration_error',
  'image_pull_failure',
]);

function exitCodeOf({ result, signal }: PipelineEnd): number {
  if (signal !== undefined) return signalExitCode(signal);
  if (result.failures.some((job) => systemReasons.has(job.failureReason ?? ''))) return exitCodes.system;
  return result.status === 'failed' || result.status === 'canceled' ? exitCodes.failed : exitCodes.ok;
}

/** `--artifacts-dir`: each job's uploads in a folder of its name. No link of an earlier job's is written through. */
async function copyArtifacts({ result }: PipelineEnd, directory: string): Promise<void> {
  for (const [job, { artifacts }] of Object.entries(result.jobs)) {
    for (const artifact of artifacts) {
      const target = join(directory, folderOf(job), artifact.type === 'archive' ? '' : artifact.type);
      await cloneTree({ root: artifact.path }, target);
    }
  }
}

/** Readable, and never a way out of the folder. */
function folderOf(job: string): string {
  return job.replaceAll(/[/\\\0]/g, '-').replace(/^\.+$/, '-');
}
