import type { PlanNode } from '../model/plan.ts';
import { compositeStatus, mayRun, noStatuses, type SettledStatus, type StatusCounts } from './composite-status.ts';

/** What becomes of a node now that all it waited for has ended. */
export type Verdict =
  | { readonly kind: 'run' }
  | { readonly kind: 'skip'; readonly because: string }
  /** Waits for a manual job that nobody started; it and what comes after it stays unrun. */
  | { readonly kind: 'blocked'; readonly by: string };

/** A node that waits for no other any more, and what becomes of it. */
export interface Released {
  readonly node: PlanNode;
  readonly verdict: Verdict;
}

/** How nodes ended that some other node waits for, and the first node of each status, for messages. */
interface Group {
  readonly counts: StatusCounts;
  readonly first: Partial<Record<SettledStatus, string>>;
}

interface Waiting {
  readonly node: PlanNode;
  remaining: number;
  readonly needs: Group;
  /** The first edge with `statuses` that the needed node's end does not fit. */
  unfit?: string;
}

interface Edge {
  readonly to: Waiting;
  readonly statuses?: readonly string[];
}

interface Stage {
  remaining: number;
  readonly ended: Group;
  /** Nodes of this stage that wait for the earlier stages as a whole. */
  readonly waiting: Waiting[];
}

/**
 * Counts down what every node waits for, so that each edge is looked at once. Nodes that wait for stages share one
 * counter a stage instead of having an edge to every node before them.
 */
export class Readiness {
  /** Edges and stage members looked at so far: grows linearly with the plan. */
  looks = 0;
  readonly #edges = new Map<string, Edge[]>();
  readonly #stages: Stage[];
  readonly #nodes: ReadonlyMap<string, PlanNode>;
  /** All stages before this one have ended and are summed up in `#earlier`. */
  #frontier = 0;
  readonly #earlier: Group = newGroup();
  readonly #roots: Waiting[] = [];
  /** What a blocked node waits for, so that the message names the manual job itself. */
  readonly #blockedBy = new Map<string, string>();

  constructor(nodes: readonly PlanNode[]) {
    this.#nodes = new Map(nodes.map((node) => [node.id, node]));
    const stageCount = nodes.reduce((count, node) => Math.max(count, node.stageIndex + 1), 0);
    this.#stages = Array.from({ length: stageCount }, () => ({ remaining: 0, ended: newGroup(), waiting: [] }));
    for (const node of nodes) this.#insert(node);
  }

  /** Nodes that wait for nothing. Call it once, first. */
  start(): readonly Released[] {
    const released = this.#roots.map((waiting) => this.#judge(waiting));
    return [...released, ...this.#advance({ always: true })];
  }

  /** Tells that a node has ended; gives the nodes that waited for nothing else. */
  settle(node: PlanNode, status: SettledStatus, blockedBy?: string): readonly Released[] {
    if (blockedBy !== undefined) this.#blockedBy.set(node.id, blockedBy);
    const released: Released[] = [];
    for (const { to, statuses } of this.#edges.get(node.id) ?? []) {
      this.looks++;
      if (statuses === undefined || status === 'blocked') add(to.needs, status, node.id);
      else if (!fits(statuses, status)) to.unfit ??= `${node.id} ended as ${publicStatus(status)}`;
      if (--to.remaining === 0) released.push(this.#judge(to));
    }
    const stage = this.#stages[node.stageIndex]!;
    add(stage.ended, status, node.id);
    stage.remaining--;
    return stage.remaining === 0 ? [...released, ...this.#advance({ always: false })] : released;
  }

  #insert(node: PlanNode): void {
    const waiting: Waiting = { node, remaining: 0, needs: newGroup() };
    const stage = this.#stages[node.stageIndex]!;
    stage.remaining++;
    if (node.scheduling === 'stage') {
      stage.waiting.push(waiting);
      return;
    }
    for (const { id, statuses } of node.needs) {
      if (!this.#nodes.has(id)) continue;
      waiting.remaining++;
      const edges = this.#edges.get(id);
      const edge: Edge = { to: waiting, ...(statuses === undefined ? {} : { statuses }) };
      if (edges === undefined) this.#edges.set(id, [edge]);
      else edges.push(edge);
    }
    if (waiting.remaining === 0) this.#roots.push(waiting);
  }

  /** Moves the frontier over the stages that have ended and releases what waited for them. */
  #advance(first: { readonly always: boolean }): readonly Released[] {
    const released: Released[] = [];
    let enter = first.always;
    for (;;) {
      const stage = this.#stages[this.#frontier];
      if (stage === undefined) return released;
      if (enter) {
        this.looks += stage.waiting.length;
        for (const waiting of stage.waiting) released.push(this.#judge(waiting));
      }
      if (stage.remaining > 0) return released;
      merge(this.#earlier, stage.ended);
      this.#frontier++;
      enter = true;
    }
  }

  #judge({ node, needs, unfit }: Waiting): Released {
    const group = node.scheduling === 'stage' ? this.#earlier : needs;
    const status = compositeStatus(group.counts, node.scheduling);
    if (status === 'blocked') {
      const by = group.first.blocked!;
      return { node, verdict: { kind: 'blocked', by: this.#blockedBy.get(by) ?? by } };
    }
    if (unfit !== undefined) return { node, verdict: { kind: 'skip', because: unfit } };
    if (mayRun(node.when, node.scheduling, status)) return { node, verdict: { kind: 'run' } };
    return { node, verdict: { kind: 'skip', because: reason(node, group, status) } };
  }
}

const newGroup = (): Group => ({ counts: noStatuses(), first: {} });

function add(group: Group, status: SettledStatus, id: string): void {
  group.counts[status]++;
  group.first[status] ??= id;
}

function merge(into: Group, group: Group): void {
  for (const key of Object.keys(group.counts) as SettledStatus[]) {
    into.counts[key] += group.counts[key];
    const first = group.first[key];
    if (first !== undefined) into.first[key] ??= first;
  }
}

function publicStatus(status: SettledStatus): string {
  if (status === 'warning') return 'failed';
  return status === 'ignored' ? 'manual' : status;
}

/** CircleCI's words for final statuses. Source: https://circleci.com/docs/configuration-reference/#requires */
function fits(statuses: readonly string[], status: SettledStatus): boolean {
  const word = publicStatus(status);
  return (
    statuses.includes(word) ||
    statuses.includes('terminal') ||
    (status === 'skipped' && statuses.includes('not_run')) ||
    (status === 'canceled' && statuses.includes('cancelled'))
  );
}

function reason(node: PlanNode, { first }: Group, status: 'success' | 'failed' | 'canceled' | 'skipped'): string {
  switch (status) {
    case 'success':
      return 'nothing before it failed';
    case 'failed':
      return `${first.failed} failed`;
    case 'canceled':
      return `${first.canceled} was canceled`;
    case 'skipped': {
      if (node.when === 'on_failure') return 'nothing before it failed';
      return first.ignored === undefined
        ? `${first.skipped} was skipped`
        : `${first.ignored} is manual and was not started`;
    }
  }
}
