import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, posix } from 'node:path';
import type { FileSelection, TakenFiles } from '../model/files.ts';
import { type Outcome, SystemError } from '../model/outcome.ts';
import type { Fill } from '../model/ports.ts';
import type { TestReportStep, UploadArtifactsStep } from '../model/step.ts';
import { maxDotenvBytes, parseDotenv } from './dotenv.ts';
import type { JobRun } from './job-run.ts';

/** Lays what the dependencies uploaded into the job's directory, in their order. */
export async function downloadArtifacts(run: JobRun): Promise<void> {
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
export async function uploadArtifacts(run: JobRun, step: UploadArtifactsStep): Promise<Outcome | undefined> {
  const { spec, deps, log, session, limits, variables } = run;
  const expanded: UploadArtifactsStep = {
    ...step,
    ...(step.name === undefined ? {} : { name: variables.expand(step.name) }),
    paths: step.paths.map(variables.expand),
    exclude: step.exclude.map(variables.expand),
    ...(step.destination === undefined ? {} : { destination: variables.expand(step.destination) }),
  };
  await log.info('Uploading artifacts...');
  let problem: string | undefined;
  const fill: Fill = async (directory) => {
    const taken = await take(expanded, session.directory, directory, (selection, into) =>
      session.files.get(selection, into, limits.hard),
    );
    await report(run, expanded, taken);
    if (step.type === 'dotenv') problem = await readDotenv(run, taken, directory);
    return taken;
  };
  const record = await deps.artifacts.store(spec, expanded, fill, limits.hard);
  if (record === undefined) {
    await log.line('No files to upload');
    return undefined;
  }
  run.artifacts.push(record);
  if (problem === undefined) return undefined;
  return { status: 'failed', reason: 'runner_system_failure', message: `dotenv report is not valid: ${problem}` };
}

/** Test results are a `junit` artifact, wherever they come from. */
export function uploadTestReport(run: JobRun, step: TestReportStep): Promise<Outcome | undefined> {
  const { phase, when, path } = step;
  const upload = { kind: 'upload-artifacts', type: 'junit', paths: [path], exclude: [], untracked: false } as const;
  return uploadArtifacts(run, { ...upload, phase, when });
}

type Get = (selection: FileSelection, into: string) => Promise<TakenFiles>;

/** With a destination, the path's file or what lies below the path's directory goes there. */
async function take(step: UploadArtifactsStep, project: string, directory: string, get: Get): Promise<TakenFiles> {
  const selection = { paths: step.paths, exclude: step.exclude, untracked: step.untracked };
  const [path] = step.paths;
  if (step.destination === undefined || step.paths.length !== 1 || path === undefined) return get(selection, directory);
  const from = posix.resolve(project, path);
  const staging = join(directory, '.staging');
  await mkdir(staging);
  const name = posix.basename(from);
  const taken = await get({ ...selection, paths: [name], base: posix.dirname(from) }, staging);
  const entries = await readdir(staging);
  if (entries.length > 0) {
    const target = join(directory, posix.join('/', step.destination));
    await place(join(staging, basename(name)), target === join(directory, '/') ? directory : target);
  }
  await rm(staging, { recursive: true, force: true });
  return {
    ...taken,
    entries: taken.entries.map((entry) => ({ ...entry, path: moved(entry.path, name, step.destination!) })),
  };
}

/** Moves a file or directory; into a directory that is there already, its entries one by one. */
async function place(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  const entries = await readdir(to).catch(() => undefined);
  if (entries === undefined) {
    await rename(from, to);
    return;
  }
  for (const entry of await readdir(from)) await rename(join(from, entry), join(to, entry));
}

function moved(path: string, name: string, destination: string): string {
  const rest = path === name ? '' : path.slice(name.length + 1);
  return posix.join('/', destination, rest).slice(1);
}

async function report(run: JobRun, step: UploadArtifactsStep, taken: TakenFiles): Promise<void> {
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
    const where = `Ensure that the artifact path is relative to the working directory (${session.directory})`;
    await log.warning(`${path}: no matching files. ${where}`);
  }
  for (const path of taken.outside) {
    await log.warning(`${path}: artifact path is not a subpath of project directory: ${session.directory}`);
  }
}

/** Reads the report's variables into the run; gives what is wrong with it. */
async function readDotenv(run: JobRun, taken: TakenFiles, directory: string): Promise<string | undefined> {
  for (const entry of taken.entries) {
    if (entry.type !== 'file') continue;
    if (entry.sizeBytes > maxDotenvBytes) return `${entry.path} is larger than ${maxDotenvBytes / 1024} KB`;
    const text = await readFile(join(directory, entry.path), 'utf8').catch((error: unknown) => {
      throw new SystemError('runner_system_failure', `cannot read the dotenv report ${entry.path}`, { cause: error });
    });
    const result = parseDotenv(text);
    if ('problem' in result) return `${entry.path}, ${result.problem}`;
    run.dotenv.push(...result.variables);
  }
  return undefined;
}
