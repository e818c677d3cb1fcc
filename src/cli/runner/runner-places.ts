import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { withFileErrorsNow } from '../../model/file-errors.ts';
import { listDeadPlaces, makeOwnedPlace } from '../../stores/owned-places.ts';
import { removeTree } from '../../util/files/remove-tree.ts';
import type { Invocation } from '../invocation.ts';
import { findLocations } from '../locations.ts';
import type { ReaperOrder } from '../run/reaper.ts';
import { freeWorkspaces } from '../run/tidy.ts';

/** Where a runner keeps its things; all absolute. */
export interface RunnerPlaces {
  /** Logs that are not sent yet. */
  readonly traces: string;
  /** Sources, kept from job to job. */
  readonly builds: string;
  readonly caches: string;
  /** Of this process alone; what lies in it goes with it. */
  readonly own: string;
  /** In `own`: what belongs to one job and goes with it. */
  readonly jobs: string;
  /** In `own`: where jobs in the shell live, and layers of those in containers. */
  readonly workspaces: string;
  /** Ends what processes that have died left running, so that nobody else works where they did. */
  freeDead(): Promise<void>;
  /** Removes all that processes which have died left; what can't be removed now is tried again the next time. @returns how many there were. */
  sweepDead(): Promise<number>;
  /** Removes what is this process's own. */
  remove(): Promise<void>;
}

/** In the place of a process: what else than its directories it leaves when it dies. */
export const orderFile = 'order.json';

/** Makes the place of this process; all lies below the state and cache directories of this program. */
export function openRunnerPlaces({ env }: Invocation): RunnerPlaces {
  const { state, cache } = findLocations(env);
  const root = join(state, 'runner');
  const processes = join(root, 'processes');
  // Short: the paths of sockets that jobs make may have 107 bytes.
  const own = join(processes, randomBytes(4).toString('hex'));
  makeOwnedPlace(own, 'make a place for what jobs leave');
  const jobs = join(own, 'jobs');
  const builds = join(root, 'builds');
  for (const path of [jobs, builds]) {
    withFileErrorsNow({ doing: 'make a place for jobs', path }, () => mkdirSync(path, { recursive: true }));
  }
  const path = env['PATH'] ?? '';
  return {
    ...{ traces: join(root, 'traces'), builds, caches: join(cache, 'runner') },
    ...{ own, jobs, workspaces: join(own, 'w') },
    freeDead: async () => {
      for (const place of listDeadPlaces(processes)) await freeWorkspaces(place, path);
    },
    sweepDead: async () => {
      const dead = listDeadPlaces(processes);
      for (const place of dead) await freeWorkspaces(place, path);
      await Promise.all(dead.map(sweep));
      return dead.length;
    },
    remove: () => removeTree(own),
  };
}

/** As the process's reaper does it, should that have been killed as well. */
async function sweep(place: string): Promise<void> {
  const order = readOrder(place);
  if (order === undefined) await removeTree(place).catch(() => {});
  else await (await import('../run/carry-out-order.ts')).carryOutOrder({ ...order, workspaces: place }).catch(() => {});
}

/** @returns undefined: it had no containers. */
function readOrder(place: string): ReaperOrder | undefined {
  try {
    return JSON.parse(readFileSync(join(place, orderFile), 'utf8')) as ReaperOrder;
  } catch {
    return undefined;
  }
}
