import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withFileErrors, withFileErrorsNow } from '../model/file-errors.ts';
import { errorCode } from '../util/files/file-problem.ts';
import { writeFileAtomic } from '../util/files/write-file-atomic.ts';
import { thisOwner } from '../util/process-owner.ts';
import { lifeOfRun } from './life-of-run.ts';
import { projectKey } from './project-key.ts';
import type { JobRecord, RunState } from './run-state.ts';
import { safeName } from './safe-name.ts';

/** Which project's runs, and where they are kept (`$XDG_STATE_HOME/ci`). */
export interface RunStoreLocation {
  /** Absolute. */
  readonly stateDirectory: string;
  /** Absolute. */
  readonly projectRoot: string;
}

/** One run's place on disk. */
export interface Run {
  /** `1`, `2`, …: counts up per project. */
  readonly id: string;
  readonly directory: string;
  /** `events.ndjson`. */
  readonly eventsPath: string;
  /** Given to `artifactStore`. */
  readonly artifactsDirectory: string;
  /** Where jobs' directories go; emptied by `pruneRuns`. */
  readonly workspacesDirectory: string;
  /** Where jobs get their directories of which failed ones stay. */
  readonly keptDirectory: string;
  /** Where a job's log goes; no two jobs have the same. The directory exists. */
  logPath(jobId: string): string;
  /** Replaces `run.json` atomically. */
  writeState(state: RunState): Promise<void>;
  /**
   * Adds how a job ended to what `run.json` holds, until that tells how the run ended: one line more in `jobs.ndjson`,
   * where writing all jobs anew at every end of a job would be quadratic.
   */
  recordJob(jobId: string, record: JobRecord): void;
}

/** A run that was just made. */
export interface StartedRun extends Run {
  /** What its `run.json` holds. */
  readonly initialState: RunState;
}

/** A run that was found on disk. */
export interface StoredRun {
  readonly run: Run;
  readonly state: RunState;
  /** It has not finished, and its process is alive as far as can be known here. */
  readonly isRunning: boolean;
}

/** Makes the next run of the project. Any number of processes may do so at once; each gets a number of its own. */
export function createRun(
  location: RunStoreLocation,
  started: { readonly file: string; readonly nowMs: number; readonly ref?: string | undefined },
): Promise<StartedRun> {
  const runs = runsDirectory(location);
  return withFileErrors({ doing: 'start a run', path: runs }, async () => {
    await mkdir(runs, { recursive: true, mode: 0o700 });
    const run = runAt(runs, await allocate(runs));
    await mkdir(join(run.directory, 'logs'));
    const initialState: RunState = {
      schema: 'ci/1',
      id: run.id,
      file: started.file,
      ...(started.ref === undefined ? {} : { ref: started.ref }),
      startedAt: new Date(started.nowMs).toISOString(),
      process: thisOwner(),
      jobs: {},
    };
    await run.writeState(initialState);
    await writeFileAtomic(join(runs, '.last'), run.id, { durable: 'fast' });
    return { ...run, initialState };
  });
}

/** `mkdir` fails for the second one who takes a number, who then tries the next. */
async function allocate(runs: string): Promise<string> {
  for (let number = Math.max(lastNumber(runs), ...numbersIn(runs)) + 1; ; number++) {
    try {
      await mkdir(join(runs, String(number)));
      return String(number);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    }
  }
}

/** The highest number ever given, so that a removed run's number is not used again. */
function lastNumber(runs: string): number {
  try {
    return Number(readFileSync(join(runs, '.last'), 'utf8')) || 0;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0;
    throw error;
  }
}

/** Numbers of the runs in a directory of runs. */
export function numbersIn(runs: string): number[] {
  try {
    return readdirSync(runs).flatMap((name) => (/^[1-9]\d*$/.test(name) ? [Number(name)] : []));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Directory of all that belongs to the project in the state directory. */
export function projectDirectory({ stateDirectory, projectRoot }: RunStoreLocation): string {
  return join(stateDirectory, 'projects', projectKey(projectRoot));
}

/** Where the project's runs are. */
export function runsDirectory(location: RunStoreLocation): string {
  return join(projectDirectory(location), 'runs');
}

/** The run of a number in a directory of runs, whether it is there or not. */
export function runAt(runs: string, id: string): Run {
  const directory = join(runs, id);
  return {
    id,
    directory,
    eventsPath: join(directory, 'events.ndjson'),
    artifactsDirectory: join(directory, 'artifacts'),
    workspacesDirectory: join(directory, 'workspaces'),
    keptDirectory: join(directory, 'kept'),
    logPath: (jobId) => join(directory, 'logs', `${safeName(jobId)}.log`),
    writeState: (state) => {
      const path = join(directory, 'run.json');
      const text = `${JSON.stringify(state, undefined, 2)}\n`;
      return withFileErrors({ doing, path, bytesNeeded: Buffer.byteLength(text) }, () =>
        writeFileAtomic(path, text, { mode: 0o600, durable: 'fast' }),
      );
    },
    recordJob: (jobId, record) => {
      const path = join(directory, jobsFile);
      const line: JobLine = { job: jobId, record };
      withFileErrorsNow({ doing, path }, () => appendFileSync(path, `${JSON.stringify(line)}\n`, { mode: 0o600 }));
    },
  };
}

const doing = 'save the state of the run';

/** Jobs that have ended while the run goes on, a line each. */
const jobsFile = 'jobs.ndjson';

interface JobLine {
  readonly job: string;
  readonly record: JobRecord;
}

/** What `recordJob` has told; the line at which a run was killed may be cut off. */
async function recordedJobs(directory: string): Promise<Record<string, JobRecord>> {
  const text = await readFile(join(directory, jobsFile), 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return '';
    throw error;
  });
  const whole = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  const lines = whole.filter((line) => line !== '').map((line) => JSON.parse(line) as JobLine);
  return Object.fromEntries(lines.map(({ job, record }) => [job, record]));
}

/** One run by its number, or the newest (`last`); undefined if there is none or its state can't be read. */
export async function readRun(location: RunStoreLocation, id: string): Promise<StoredRun | undefined> {
  const runs = runsDirectory(location);
  if (id !== 'last') return /^[1-9]\d*$/.test(id) ? loadRun(runs, id) : undefined;
  for (const number of numbersIn(runs).sort((a, b) => b - a)) {
    const found = await loadRun(runs, String(number));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** All runs of the project, newest first. */
export async function listRuns(location: RunStoreLocation): Promise<readonly StoredRun[]> {
  const runs = runsDirectory(location);
  const found: StoredRun[] = [];
  for (const number of numbersIn(runs).sort((a, b) => b - a)) {
    const run = await loadRun(runs, String(number));
    if (run !== undefined) found.push(run);
  }
  return found;
}

/** A run of a directory of runs; undefined if it is not there, or its state can't be read. */
export async function loadRun(runs: string, id: string): Promise<StoredRun | undefined> {
  const run = runAt(runs, id);
  try {
    const state = JSON.parse(await readFile(join(run.directory, 'run.json'), 'utf8')) as RunState;
    if (state.schema !== 'ci/1') return undefined;
    if (state.finishedAt !== undefined) return { run, state, isRunning: false };
    const jobs = { ...state.jobs, ...(await recordedJobs(run.directory)) };
    return { run, state: { ...state, jobs }, isRunning: lifeOfRun(run.directory, state) !== 'over' };
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR' || error instanceof SyntaxError)
      return undefined;
    throw error;
  }
}
