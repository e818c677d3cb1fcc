import { existsSync, readdirSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { withFileErrors } from '../model/file-errors.ts';
import { errorCode } from '../util/files/file-problem.ts';
import { measureTree } from '../util/files/measure-tree.ts';
import { removeTree } from '../util/files/remove-tree.ts';
import { processIdentity } from '../util/process-identity.ts';
import { thisOwner } from '../util/process-owner.ts';
import { unmountBelow } from '../util/unmount.ts';
import { listUnkept, readKeptJobs } from './kept-places.ts';
import { lifeOfRun } from './life-of-run.ts';
import {
  loadRun,
  numbersIn,
  type Run,
  type RunStoreLocation,
  runAt,
  runsDirectory,
  type StoredRun,
} from './run-store.ts';

/** A run that `pruneRuns` removed or would remove. */
export interface PrunedRun {
  readonly id: string;
  readonly directory: string;
  readonly totalBytes: number;
}

/**
 * Removes runs that are beyond the newest `keep`, or older than `olderThanMs`; never one that is still running.
 * With `mode: 'list'` nothing is removed (`ci clean --dry-run`).
 */
export function pruneRuns(
  location: RunStoreLocation,
  rule: {
    readonly keep: number;
    readonly olderThanMs?: number;
    readonly nowMs: number;
    readonly mode: 'remove' | 'list';
    /** Aborted: the rest stays. */
    readonly signal?: AbortSignal;
  },
): Promise<readonly PrunedRun[]> {
  const runs = runsDirectory(location);
  return withFileErrors({ doing: 'remove old runs', path: runs }, async () => {
    if (rule.mode === 'remove') await finishRemovals(runs);
    const pruned: PrunedRun[] = [];
    const numbers = numbersIn(runs).sort((a, b) => b - a);
    for (const [index, number] of numbers.entries()) {
      if (rule.signal?.aborted) break;
      // Most often there is nothing to remove: then no state is read.
      if (index < rule.keep && rule.olderThanMs === undefined) continue;
      const stored = await loadRun(runs, String(number));
      // Without a state it may have been made a moment ago.
      if (stored === undefined ? index === 0 : isInUse(stored) || isKept(stored)) continue;
      const ageMs = stored === undefined ? Number.POSITIVE_INFINITY : rule.nowMs - Date.parse(stored.state.startedAt);
      if (index < rule.keep && ageMs <= (rule.olderThanMs ?? Number.POSITIVE_INFINITY)) continue;
      const directory = join(runs, String(number));
      const { totalBytes } = await measureTree(directory);
      if (rule.mode === 'remove') await removeWhole(runs, number);
      pruned.push({ id: String(number), directory, totalBytes });
    }
    return pruned;
  });
}

/** The user wanted to look at it: `ci clean` removes that first. */
function isKept({ run }: StoredRun): boolean {
  return readKeptJobs(run).length > 0;
}

/** After its end another process may still write reports and copy artifacts for so long, milliseconds. */
const stillWritingMs = 3_600_000;

function isInUse({ run, state, isRunning }: StoredRun): boolean {
  if (isRunning || state.finishedAt === undefined) return isRunning;
  const { pid, started, boot } = thisOwner();
  const { process } = state;
  if (process.pid === pid && process.started === started && process.boot === boot) return false;
  const life = lifeOfRun(run.directory, state);
  return life === 'going on' || (life === 'unknown' && Date.now() - Date.parse(state.finishedAt) < stillWritingMs);
}

/** Directories of jobs that killed runs left and that nobody wanted to keep: of one project, or of all. */
export async function listDeadWorkspaces(
  location: RunStoreLocation | Pick<RunStoreLocation, 'stateDirectory'>,
): Promise<readonly string[]> {
  return deadRuns(location, ({ workspacesDirectory, keptDirectory }) => [
    ...(existsSync(workspacesDirectory) ? [workspacesDirectory] : []),
    ...listUnkept({ keptDirectory }),
  ]);
}

/** Directories of jobs (`Run.keptDirectory`) that the user kept, of all projects. */
export function listKeptDirectories(stateDirectory: string): Promise<readonly string[]> {
  return deadRuns({ stateDirectory }, ({ keptDirectory }) => (existsSync(keptDirectory) ? [keptDirectory] : []));
}

/** What is looked for in the runs that have ended; most have none of it, and of these no state is read. */
async function deadRuns(
  location: RunStoreLocation | Pick<RunStoreLocation, 'stateDirectory'>,
  find: (run: Run) => readonly string[],
): Promise<readonly string[]> {
  const projects = join(location.stateDirectory, 'projects');
  const all =
    'projectRoot' in location
      ? [runsDirectory(location)]
      : (existsSync(projects) ? readdirSync(projects) : []).map((key) => join(projects, key, 'runs'));
  const found: string[] = [];
  for (const runs of all) {
    for (const number of numbersIn(runs)) {
      const paths = find(runAt(runs, String(number)));
      if (paths.length === 0) continue;
      const stored = await loadRun(runs, String(number));
      if (stored !== undefined && !isInUse(stored)) found.push(...paths);
    }
  }
  return found;
}

/** Goes on where a process was killed while it removed a run. */
async function finishRemovals(runs: string): Promise<void> {
  if (!existsSync(runs)) return;
  for (const name of readdirSync(runs)) {
    const pid = /^\.removing-\d+-(\d+)$/.exec(name)?.[1];
    if (pid === undefined || processIdentity(Number(pid)) !== undefined) continue;
    await unmountBelow(join(runs, name), '');
    await removeTree(join(runs, name));
  }
}

/** Out of sight first, so that a half removed run is never read. */
async function removeWhole(runs: string, number: number): Promise<void> {
  const away = join(runs, `.removing-${number}-${process.pid}`);
  try {
    await rename(join(runs, String(number)), away);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  await removeTree(away);
}
