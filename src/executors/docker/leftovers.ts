import { hostname } from 'node:os';
import { isSameProcessAlive } from '../../util/process-identity.ts';
import { type Engine, statusOf } from './engine.ts';
import { labelPrefix } from './labels.ts';

/** An object at an engine whose maker is gone. */
export interface Leftover {
  readonly kind: 'container' | 'network' | 'volume';
  /** What the engine calls it by. */
  readonly id: string;
  readonly run: string;
  readonly job: string;
}

/** Objects that processes of this machine made and that nobody uses any more. Other machines' are left alone. */
export async function listLeftovers(engine: Engine): Promise<readonly Leftover[]> {
  const filters = { label: [`${labelPrefix}managed=true`] };
  const [containers, networks, volumes] = await Promise.all([
    engine.api.listContainers({ all: true, filters }),
    engine.api.listNetworks({ filters }),
    engine.api.listVolumes({ filters }),
  ]);
  const found: Leftover[] = [];
  const consider = (kind: Leftover['kind'], id: string, labels: Readonly<Record<string, string>> | undefined): void => {
    if (labels === undefined || !isOrphan(labels)) return;
    found.push({ kind, id, run: labels[`${labelPrefix}run`] ?? '', job: labels[`${labelPrefix}job`] ?? '' });
  };
  for (const { Id, Labels } of containers) consider('container', Id, Labels);
  for (const { Id, Labels } of networks) consider('network', Id, Labels);
  for (const { Name, Labels } of volumes.Volumes ?? []) consider('volume', Name, Labels);
  return found;
}

/**
 * Removes what runs that died left at the engine; run it at the start of a run, it never touches a living one's.
 * @returns what was removed.
 */
export async function sweepLeftovers(engine: Engine): Promise<readonly Leftover[]> {
  const leftovers = await listLeftovers(engine);
  const removed: Leftover[] = [];
  // Containers first: networks and volumes in use can't be removed.
  for (const kind of ['container', 'network', 'volume'] as const) {
    await Promise.all(
      leftovers
        .filter((leftover) => leftover.kind === kind)
        .map(async (leftover) => {
          if (await remove(engine, leftover)) removed.push(leftover);
        }),
    );
  }
  return removed;
}

function isOrphan(labels: Readonly<Record<string, string>>): boolean {
  const label = (name: string): string => labels[labelPrefix + name] ?? '';
  if (label('host') !== hostname()) return false;
  const pid = Number(label('pid'));
  if (!(pid > 0)) return false;
  return !isSameProcessAlive({ pid, started: label('started'), boot: label('boot') });
}

async function remove(engine: Engine, { kind, id }: Leftover): Promise<boolean> {
  try {
    if (kind === 'container') await removeContainer(engine, id);
    else if (kind === 'network') await engine.api.getNetwork(id).remove();
    else await engine.api.getVolume(id).remove({ force: true });
    return true;
  } catch {
    // Somebody else may be removing it; the next sweep will see.
    return false;
  }
}

/** Removes a container with its anonymous volumes, running or not. Fine if it is gone. @throws the engine's error. */
export async function removeContainer(engine: Engine, id: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await engine.api.getContainer(id).remove({ force: true, v: true });
      return;
    } catch (error) {
      const status = statusOf(error);
      if (status === 404) return;
      // 409: a removal is under way; 500: "device or resource busy" while processes still end.
      if ((status !== 409 && status !== 500) || attempt === 5) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100 * attempt));
    }
  }
}
