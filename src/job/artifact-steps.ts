import { readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { TakenFiles } from '../model/files.ts';
import { type Outcome, SystemError } from '../model/outcome.ts';
import type { Fill } from '../model/ports.ts';
import type { TestReportStep, UploadArtifactsStep } from '../model/step.ts';
import { withAttempts } from './attempts.ts';
import { maxDotenvBytes, parseDotenv, usualDotenvVariables } from './dotenv.ts';
import type { JobRun } from './job-run.ts';
import { homePath, wholePaths } from './session-path.ts';
import { takeFiles } from './take-files.ts';
import { readTestReports } from './test-results.ts';

/** Lays what the dependencies uploaded into the job's directory, in their order. */
export function downloadArtifacts(run: JobRun): Promise<void> {
  return withAttempts(run, 'ARTIFACT_DOWNLOAD_ATTEMPTS', () => downloadAll(run));
}

async function downloadAll(run: JobRun): Promise<void> {
  const { spec, deps, log, session, limits } = run;
  for (const dependency of spec.dependencies) {
    const tree = await deps.artifacts.fetch(dependency, limits.soft);
    if (tree === undefined) continue;
    const number = dependency.number === undefined ? '' : ` (${dependency.number})`;
    await log.info(`Downloading artifacts for ${dependency.name}${number}...`);
    await session.files.put(tree, '.', limits.soft);
  }
}

/** Stores the files of one step; returns the failure if there is one. Nothing to upload is a warning only. */
export function uploadArtifacts(run: JobRun, step: UploadArtifactsStep): Promise<Outcome | undefined> {
  // GitLab takes artifacts out of the project directory only; what is merely kept for the user may lie anywhere.
  return storeFiles(run, step, step.reach ?? (step.type === 'stored' ? 'anywhere' : 'project'));
}

async function storeFiles(
  run: JobRun,
  step: UploadArtifactsStep,
  reach: 'project' | 'anywhere',
): Promise<Outcome | undefined> {
  const { spec, deps, log, session, limits, variables } = run;
  const { destination: written, ...rest } = step;
  // The store sees no destination: the files are put there while it is filled.
  const expanded: UploadArtifactsStep = {
    ...rest,
    ...(step.name === undefined ? {} : { name: variables.expand(step.name) }),
    paths: step.paths.map((path) => homePath(spec, session, variables.expand(path))),
    exclude: step.exclude.map(variables.expand),
  };
  const { paths, exclude, untracked } = expanded;
  const selection = { paths, exclude, untracked, ...wholePaths(spec) };
  const destination = written === undefined ? undefined : variables.expand(written);
  await log.info('Uploading artifacts...');
  let problem: string | undefined;
  const { taking } = limits;
  const fill: Fill = async (directory) => {
    const taken = await takeFiles({
      selection,
      destination,
      reach,
      project: session.directory,
      home: session.home,
      into: directory,
      get: (wanted, into) => session.files.get(wanted, into, taking),
    });
    await report(run, expanded, reach, taken);
    if (deps.artifacts.reportsAreRead === 'elsewhere') return taken;
    if (step.type === 'dotenv') problem = await readDotenv(run, taken, directory);
    if (step.type === 'junit') await readTestReports(run, taken, directory);
    return taken;
  };
  const record = await deps.artifacts.store(spec, expanded, fill, taking);
  if (record === undefined) {
    await log.line('No files to upload');
    return undefined;
  }
  run.artifacts.push(record);
  if (problem === undefined) return undefined;
  // The uploader's exit code, as with GitLab Runner: the job's own fault, not the machine's.
  return { status: 'failed', reason: 'script_failure', message: `dotenv report is not valid: ${problem}` };
}

/** Test results are a `junit` artifact, wherever they come from. */
export function uploadTestReport(run: JobRun, step: TestReportStep): Promise<Outcome | undefined> {
  const { phase, when, path } = step;
  const upload = { kind: 'upload-artifacts', type: 'junit', paths: [path], exclude: [], untracked: false } as const;
  return storeFiles(run, { ...upload, phase, when }, 'anywhere');
}

async function report(
  run: JobRun,
  step: UploadArtifactsStep,
  reach: 'project' | 'anywhere',
  taken: TakenFiles,
): Promise<void> {
  const { log, session } = run;
  const matched = step.paths.filter((path) => !taken.unmatched.includes(path) && !taken.outside.includes(path));
  const count = taken.entries.length;
  if (count > 0) {
    const what =
      matched.length === 1
        ? matched[0]
        : step.untracked && matched.length === 0
          ? 'untracked'
          : `${matched.length} patterns`;
    await log.line(`${what}: found ${count} matching artifact files and directories`);
  }
  for (const path of taken.unmatched) {
    if (reach === 'anywhere') {
      await log.warning(`${posix.resolve(session.directory, path)}: no such file or directory`);
      continue;
    }
    const where = `Ensure that the artifact path is relative to the working directory (${session.directory})`;
    await log.warning(`${path}: no matching files. ${where}`);
  }
  for (const path of taken.unreadable ?? []) await log.warning(`${path}: cannot be read, left out`);
  for (const path of taken.outside) {
    await log.warning(`${path}: artifact path is not a subpath of project directory: ${session.directory}`);
  }
}

/** Reads the report's variables into the run; gives what is wrong with it. */
async function readDotenv(run: JobRun, taken: TakenFiles, directory: string): Promise<string | undefined> {
  for (const entry of taken.entries) {
    if (entry.type !== 'file') continue;
    if (entry.sizeBytes >= maxDotenvBytes) return `${entry.path} is ${maxDotenvBytes / 1024} KB or larger`;
    const text = await readFile(join(directory, entry.path), 'utf8').catch((error: unknown) => {
      throw new SystemError('runner_system_failure', `cannot read the dotenv report ${entry.path}`, { cause: error });
    });
    const result = parseDotenv(text);
    if ('problem' in result) return `${entry.path}, ${result.problem}`;
    run.dotenv.push(...result.variables);
    if (result.variables.length > usualDotenvVariables) {
      const many = `${entry.path} holds ${result.variables.length} variables`;
      await run.log.warning(`${many}; a GitLab server allows ${usualDotenvVariables} unless it is set up otherwise`);
    }
  }
  return undefined;
}
