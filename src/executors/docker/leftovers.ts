import { isGone, type Owner } from '../../util/process-owner.ts';
import type { Engine } from './engine.ts';
import { keptPrefix, labelPrefix, ownerLabels, ownerOf } from './labels.ts';
import { type ObjectKind, objectKinds, removeObject, type Unremoved } from './removal.ts';

/** An object at an engine whose maker is gone. */
export interface Leftover {
  readonly kind: ObjectKind;
  /** What the engine calls it by. */
  readonly id: string;
  /** What people call it by. */
  readonly name: string;
  readonly run: string;
  readonly job: string;
  /** The user wanted to keep it. */
  readonly isKept: boolean;
}

/** What becomes of what the user wanted to keep. */
export type KeptLeftovers =
  | 'left alone'
  /** That of these containers, by name; the rest is left alone. */
  | ReadonlySet<string>;

/** What a sweep did. */
export interface Sweep {
  readonly removed: readonly Leftover[];
  readonly unremoved: readonly (Unremoved & Leftover)[];
}

type Labels = Readonly<Record<string, string>>;

/**
 * Objects whose process has ended. Other machines', other containers' and living processes' are left alone.
 * @param owner only what this process made.
 * @param kept `left alone`: what the user wanted to keep is none.
 */
export async function listLeftovers(
  engine: Engine,
  owner?: Owner,
  kept: KeptLeftovers = 'left alone',
): Promise<readonly Leftover[]> {
  const labels = { [`${labelPrefix}managed`]: 'true', ...(owner === undefined ? {} : ownerLabels(owner)) };
  const filters = { label: Object.entries(labels).map(([name, value]) => `${name}=${value}`) };
  const [containers, networks, volumes] = await Promise.all([
    engine.api.listContainers({ all: true, filters }),
    engine.api.listNetworks({ filters }),
    engine.api.listVolumes({ filters }),
  ]);
  const found: Leftover[] = [];
  const keptContainers = containers.flatMap(({ Names, Labels }) => {
    const name = Names.map((each) => each.replace(/^\//, '')).find((each) => each.startsWith(keptPrefix));
    return name === undefined ? [] : [{ name, job: jobKey(Labels) }];
  });
  const keptJobs = new Set(keptContainers.map(({ job }) => job));
  const isSpared = (name: string): boolean => kept === 'left alone' || !kept.has(name);
  const sparedJobs = new Set(keptContainers.filter(({ name }) => isSpared(name)).map(({ job }) => job));
  const where = engine.isLocal ? 'here' : 'elsewhere';
  const consider = (object: Pick<Leftover, 'kind' | 'id' | 'name'>, its: Labels | null | undefined): void => {
    if (!its || !isGone(ownerOf(its), where)) return;
    const job = jobKey(its);
    if (sparedJobs.has(job)) return;
    found.push({
      ...object,
      isKept: keptJobs.has(job),
      run: its[`${labelPrefix}run`] ?? '',
      job: its[`${labelPrefix}job`] ?? '',
    });
  };
  for (const { Id: id, Names, Labels } of containers) {
    consider({ kind: 'container', id, name: Names[0]?.replace(/^\//, '') ?? id }, Labels);
  }
  for (const { Id: id, Name: name, Labels } of networks) consider({ kind: 'network', id, name }, Labels);
  for (const { Name: name, Labels } of volumes.Volumes ?? []) consider({ kind: 'volume', id: name, name }, Labels);
  return found;
}

/** One for all objects of a job of a run. */
function jobKey(its: Labels): string {
  return JSON.stringify(['host', 'pid', 'started', 'run', 'job'].map((name) => its[labelPrefix + name]));
}

/**
 * Removes what processes that ended left at the engine; it never touches a living one's.
 * @param owner only what this process made.
 * @throws the engine's error when it can't be asked.
 */
export async function sweepLeftovers(
  engine: Engine,
  owner?: Owner,
  kept: KeptLeftovers = 'left alone',
): Promise<Sweep> {
  const leftovers = await listLeftovers(engine, owner, kept);
  const removed: Leftover[] = [];
  const unremoved: (Unremoved & Leftover)[] = [];
  for (const kind of objectKinds) {
    const some = leftovers.filter((leftover) => leftover.kind === kind);
    await Promise.all(
      some.map(async (leftover) => {
        const failure = await removeObject(engine, kind, leftover.id);
        if (failure === undefined) removed.push(leftover);
        else unremoved.push({ ...leftover, ...failure });
      }),
    );
  }
  return { removed, unremoved };
}
