import { waitsForChild } from './bridge-strategy.ts';
import type { NodeRun } from './node-run.ts';

/** As much of a pipeline as tells who waits for whom. */
export interface WaitingPipeline {
  /** The bridge that started it. */
  readonly parent: { readonly schedule: WaitingPipeline; readonly run: NodeRun } | undefined;
  /** Pipelines that its bridges started. */
  readonly children: readonly WaitingPipeline[];
  readonly runs: ReadonlyMap<string, NodeRun>;
  /** Name of a node's resource group, with the project whose it is. */
  groupOf(run: NodeRun): string | undefined;
}

/** The node that holds a resource group, by its id; undefined: none of this run. */
export type HolderOf = (group: string) => string | undefined;

/**
 * Would waiting for a resource group never end? So it is when a bridge holds the group until its pipeline has ended, and that
 * waits, perhaps through other groups, for one that a bridge above the asking pipeline holds.
 * @param schedule the pipeline of the node that asks.
 */
export function waitsForItself(schedule: WaitingPipeline, group: string, holderOf: HolderOf): boolean {
  const above = holdersAbove(schedule);
  if (above.size === 0) return false;
  const children = childrenByBridge(schedule);
  const seen = new Set([group]);
  // Groups are added while it goes.
  for (const wanted of seen) {
    const holder = holderOf(wanted);
    if (holder === undefined) continue;
    if (above.has(holder)) return true;
    const child = children.get(holder);
    if (child !== undefined) for (const awaited of groupsAwaited(child)) seen.add(awaited);
  }
  return false;
}

/** Bridges that hold a group and wait, by one pipeline or several, for this one. */
function holdersAbove({ parent }: WaitingPipeline): ReadonlySet<string> {
  const found = new Set<string>();
  for (let up = parent; up !== undefined && waitsForChild(up.run); up = up.schedule.parent) {
    if (up.run.node.resourceGroup !== undefined) found.add(up.run.node.id);
  }
  return found;
}

/** All pipelines of the run that a bridge waits for. */
function childrenByBridge(schedule: WaitingPipeline): ReadonlyMap<string, WaitingPipeline> {
  let root: WaitingPipeline = schedule;
  while (root.parent !== undefined) root = root.parent.schedule;
  const found = new Map<string, WaitingPipeline>();
  const visit = ({ children }: WaitingPipeline): void => {
    for (const child of children) {
      const { run } = child.parent!;
      if (waitsForChild(run)) found.set(run.node.id, child);
      visit(child);
    }
  };
  visit(root);
  return found;
}

/** Groups that nodes of a pipeline, and of those that it waits for, wait for. */
function* groupsAwaited(schedule: WaitingPipeline): Iterable<string> {
  for (const run of schedule.runs.values()) {
    const group = run.state === 'waiting' ? schedule.groupOf(run) : undefined;
    if (group !== undefined) yield group;
  }
  for (const child of schedule.children) if (waitsForChild(child.parent!.run)) yield* groupsAwaited(child);
}
