import { type RunStoreLocation, readRun, type StoredRun } from '../stores/run-store.ts';
import { nearest } from '../util/nearest.ts';
import { CommandError, exitCodes } from './exit-code.ts';
import type { Invocation } from './invocation.ts';
import { findLocations } from './locations.ts';
import { enclosingRepository, findPipelineFile } from './pipeline-file.ts';

/** `--run`: a run's number, as `ci runs` shows it, or `last`. Absent: the last run. */
export interface RunChoice {
  readonly run?: string;
}

/**
 * Whose runs a command is about: the project of the pipeline file that would be found here, else the repository or
 * folder itself, since a file may be gone while its runs are still there.
 */
export function runLocation(invocation: Invocation): RunStoreLocation {
  const stateDirectory = findLocations(invocation.env).state;
  try {
    return { stateDirectory, projectRoot: findPipelineFile(invocation.cwd, undefined).root };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { stateDirectory, projectRoot: enclosingRepository(invocation.cwd) ?? invocation.cwd };
  }
}

/**
 * The run that `--run ID` names, or the last one.
 * @throws CommandError exit 2 when there is none.
 */
export async function findRun(invocation: Invocation, choice: RunChoice): Promise<StoredRun> {
  const found = await readRun(runLocation(invocation), choice.run ?? 'last');
  if (found !== undefined) return found;
  throw choice.run === undefined
    ? new CommandError(exitCodes.usage, 'there is no run yet', '`ci run` makes the first one')
    : new CommandError(exitCodes.usage, `there is no run ${choice.run}`, '`ci runs` shows what there is');
}

/**
 * The ids of a run's jobs that `job` means: all of them without a name, a job by its id, all legs of a parallel one, or a job
 * that starts another pipeline with all that this ran; a name that fits none is looked for without the workflow or the
 * pipeline that ids begin with.
 * @throws CommandError exit 2 when the run has no such job.
 */
export function chooseJobs(stored: StoredRun, job: string | undefined): readonly string[] {
  const ids = Object.keys(stored.state.jobs);
  if (job === undefined) return ids;
  const named = ids.filter((id) => isMeant(id, job));
  const chosen = named.length > 0 ? named : ids.filter((id) => isMeant(id.slice(id.indexOf('/') + 1), job));
  if (chosen.length > 0) return chosen;
  const near = nearest(job, ids);
  throw new CommandError(
    exitCodes.usage,
    `run ${stored.run.id} has no job \`${job}\``,
    near.length > 0 ? `nearest: ${near.join(', ')}` : `its jobs: ${ids.join(', ') || 'none'}`,
  );
}

function isMeant(id: string, job: string): boolean {
  if (!id.startsWith(job)) return false;
  const rest = id.slice(job.length);
  return rest === '' || rest.startsWith(': [') || rest.startsWith('/') || /^ \d+\/\d+$/.test(rest);
}
