import type { Dependency } from '../model/job-spec.ts';
import type { PlanNode } from '../model/plan.ts';

/**
 * All nodes that had to end before a node could start, in graph order (needed ones first), each with those of them
 * that had to end before it. Costs as much as the part of the graph before the node, so it is made for jobs that ask.
 */
export function ancestorsOf(node: PlanNode, nodes: readonly PlanNode[]): readonly Dependency[] {
  const byId = new Map(nodes.map((each) => [each.id, each]));
  const needsOf = (of: PlanNode): readonly PlanNode[] =>
    of.scheduling === 'stage'
      ? nodes.filter(({ stageIndex }) => stageIndex < of.stageIndex)
      : of.needs.flatMap(({ id }) => byId.get(id) ?? []);
  const before = new Map<string, ReadonlySet<string>>();
  const order: Dependency[] = [];
  const stack: { readonly at: PlanNode; readonly left: boolean }[] = [{ at: node, left: false }];
  while (stack.length > 0) {
    const { at, left } = stack.pop()!;
    if (before.has(at.id)) continue;
    const needs = needsOf(at);
    if (!left) {
      stack.push({ at, left: true });
      for (const need of [...needs].reverse()) if (!before.has(need.id)) stack.push({ at: need, left: false });
      continue;
    }
    const ids = new Set<string>();
    for (const need of needs) for (const id of [need.id, ...(before.get(need.id) ?? [])]) ids.add(id);
    before.set(at.id, ids);
    if (at !== node) order.push({ id: at.id, name: at.name, after: [...ids] });
  }
  return order;
}
