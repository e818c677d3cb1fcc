/** A job as the pictures show it. */
export interface GraphNode {
  readonly id: string;
  readonly name: string;
  readonly stage: string;
  /** Ids of other nodes; ids that are not in the list are left out of the picture. */
  readonly needs: readonly string[];
  /** Decides the colour. */
  readonly status?: string;
}

/** A set of nodes that all of `to` wait for. Edges of a picture are drawn from these. */
export interface GraphJoin {
  /** Needs that no other need waits for already, in the order of the nodes. */
  readonly from: readonly string[];
  readonly to: readonly string[];
}

/** Nodes with their edges reduced to those that a reader needs. */
export interface Graph {
  readonly nodes: readonly GraphNode[];
  /** Stages in the order of the nodes. */
  readonly stages: readonly string[];
  readonly joins: readonly GraphJoin[];
  /** Reduced needs of a node. */
  needsOf(id: string): readonly string[];
  /** Longest way from a node without needs, counted in edges. */
  levelOf(id: string): number;
}

/**
 * Reduces the edges: a need that another need waits for already is left out (transitive reduction), and nodes that
 * wait for the same are taken together. Nodes that lie on a cycle keep their needs.
 */
export function reduceGraph(nodes: readonly GraphNode[]): Graph {
  const position = new Map(nodes.map((node, index) => [node.id, index]));
  const groups = groupByNeeds(nodes, position);
  const level = new Array<number>(nodes.length).fill(0);
  const ancestors = new Map<number, Uint32Array>();
  const words = Math.ceil(nodes.length / 32);
  for (const group of inOrder(groups, nodes.length)) {
    const above = new Uint32Array(words);
    const kept: number[] = [];
    // Deepest first: what it waits for is then known when the others are looked at.
    for (const need of [...group.needs].sort((a, b) => level[b]! - level[a]! || a - b)) {
      if ((above[need >>> 5]! >>> (need & 31)) & 1) continue;
      kept.push(need);
      const higher = ancestors.get(need);
      if (higher) for (let word = 0; word < words; word++) above[word]! |= higher[word]!;
    }
    group.kept = kept.sort((a, b) => a - b);
    for (const need of kept) above[need >>> 5]! |= 1 << (need & 31);
    const depth = kept.reduce((most, need) => Math.max(most, level[need]! + 1), 0);
    for (const node of group.nodes) {
      level[node] = depth;
      ancestors.set(node, above);
    }
  }
  return asGraph(nodes, groups, level, position);
}

interface Group {
  readonly needs: readonly number[];
  readonly nodes: number[];
  kept: readonly number[];
}

function groupByNeeds(nodes: readonly GraphNode[], position: ReadonlyMap<string, number>): Group[] {
  const groups = new Map<string, Group>();
  nodes.forEach((node, index) => {
    const needs = [...new Set(node.needs.flatMap((id) => position.get(id) ?? []))].sort((a, b) => a - b);
    const key = needs.join(' ');
    const group = groups.get(key);
    if (group) group.nodes.push(index);
    else groups.set(key, { needs, nodes: [index], kept: needs });
  });
  return [...groups.values()];
}

/** Groups such that each comes after those that hold its needs; groups on a cycle are left out. */
function inOrder(groups: readonly Group[], count: number): Group[] {
  const groupOf = new Array<Group>(count);
  for (const group of groups) for (const node of group.nodes) groupOf[node] = group;
  const missing = new Map<Group, number>();
  const followers = new Map<Group, Group[]>();
  for (const group of groups) {
    const before = new Set(group.needs.map((need) => groupOf[need]!));
    missing.set(group, before.size);
    for (const earlier of before) {
      const list = followers.get(earlier);
      if (list) list.push(group);
      else followers.set(earlier, [group]);
    }
  }
  const ordered = groups.filter((group) => missing.get(group) === 0);
  for (let index = 0; index < ordered.length; index++) {
    for (const follower of followers.get(ordered[index]!) ?? []) {
      const left = missing.get(follower)! - 1;
      missing.set(follower, left);
      if (left === 0) ordered.push(follower);
    }
  }
  return ordered;
}

function asGraph(
  nodes: readonly GraphNode[],
  groups: readonly Group[],
  level: readonly number[],
  position: ReadonlyMap<string, number>,
): Graph {
  const id = (index: number): string => nodes[index]!.id;
  const needs = new Map<string, readonly string[]>();
  const joins = new Map<string, { from: string[]; to: string[] }>();
  for (const group of groups) {
    const from = group.kept.map(id);
    for (const node of group.nodes) needs.set(id(node), from);
    if (from.length === 0) continue;
    // Different needs may be the same after the reduction.
    const join = joins.get(group.kept.join(' '));
    if (join) join.to.push(...group.nodes.map(id));
    else joins.set(group.kept.join(' '), { from, to: group.nodes.map(id) });
  }
  return {
    nodes,
    stages: [...new Set(nodes.map((node) => node.stage))],
    joins: [...joins.values()],
    needsOf: (name) => needs.get(name) ?? [],
    levelOf: (name) => level[position.get(name) ?? -1] ?? 0,
  };
}

/** Several to several: drawn through one point, or the picture is all lines. */
export function isKnot(join: GraphJoin): boolean {
  return join.from.length * join.to.length > join.from.length + join.to.length;
}
