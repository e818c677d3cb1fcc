import { removeExpiredArtifacts } from '../../stores/expiring-artifacts.ts';
import { defaultCacheCapBytes, pruneCaches } from '../../stores/prune-caches.ts';
import { listDeadWorkspaces, pruneRuns } from '../../stores/prune-runs.ts';
import type { RunStoreLocation } from '../../stores/run-store.ts';
import { listDeadShellPlaces } from '../../stores/shell-places.ts';
import { removeTree } from '../../util/files/remove-tree.ts';
import { killByVariable, markerName } from '../../util/process-strays.ts';
import { unmountBelow } from '../../util/unmount.ts';

/** Runs of a project that are kept when nobody says otherwise. */
export const keptRuns = 20;

/** What to tidy up. */
export interface Tidying {
  readonly place: RunStoreLocation;
  /** `$XDG_CACHE_HOME/ci`. */
  readonly cacheDirectory: string;
  /** The user's `PATH`. */
  readonly path: string;
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number;
  /** Aborted: what is not removed yet is left to the next run. */
  readonly signal: AbortSignal;
}

/**
 * Removes what nobody needs any more, beside a run: old runs of the project, artifacts whose time is over, directories and processes of jobs whose
 * `ci` was killed, caches beyond the cap. Costs a few looks at directories when there is nothing to remove. Never throws: what
 * can't be removed now must not fail a run; `ci clean` tells.
 */
export async function tidy({ place, cacheDirectory, path, nowMs, signal }: Tidying): Promise<void> {
  const work = [
    () => removeDeadWorkspaces(place, path, signal),
    () => pruneRuns(place, { keep: keptRuns, nowMs, mode: 'remove', signal }),
    () => removeExpiredArtifacts(place, { nowMs, signal }),
    () => pruneCaches(cacheDirectory, { capBytes: defaultCacheCapBytes, mode: 'remove', signal }),
  ];
  for (const remove of work) {
    if (signal.aborted) return;
    await remove().catch(() => {});
  }
}

async function removeDeadWorkspaces(place: RunStoreLocation, path: string, signal: AbortSignal): Promise<void> {
  for (const directory of [...(await listDeadWorkspaces(place)), ...listDeadShellPlaces(place)]) {
    await freeWorkspaces(directory, path);
    await removeTree(directory, signal).catch(() => {});
  }
}

/**
 * Ends what jobs of a killed `ci` still run, and takes down what it had mounted for them.
 * @param workspaces `Run.workspacesDirectory` of a dead run, or the place of a dead shell.
 * @param path the user's `PATH`.
 */
export async function freeWorkspaces(workspaces: string, path: string): Promise<void> {
  await killByVariable(markerName, `${workspaces}/`);
  await unmountBelow(workspaces, path);
}
