import type { Plan, PlanEdge, PlanNode } from '../model/plan.ts';

/** The plan with all ids begun by a prefix (`deploy/`), so that they are unique in a run of several pipelines. Names stay. */
export function prefixIds(plan: Plan, prefix: string): Plan {
  // Nodes of a stage share their lists.
  const edges = sharedMap((edge: PlanEdge): PlanEdge => ({ ...edge, id: prefix + edge.id }));
  const ids = sharedMap((id: string) => prefix + id);
  const nodes = plan.nodes.map((node): PlanNode => {
    const renamed = { id: prefix + node.id, needs: edges(node.needs) };
    if (node.kind === 'approval') return { ...node, ...renamed };
    const rest = { ...renamed, artifactsFrom: ids(node.artifactsFrom) };
    if (node.kind === 'bridge') return { ...node, ...rest };
    const { workspaceFrom } = node;
    if (workspaceFrom === undefined) return { ...node, ...rest };
    const sources = workspaceFrom.map(({ id, after }) => ({ id: prefix + id, after: ids(after) }));
    return { ...node, ...rest, workspaceFrom: sources };
  });
  const decisions = plan.decisions.map((decision) => ({ ...decision, ids: ids(decision.ids) }));
  return { ...plan, nodes, decisions };
}

function sharedMap<T, U>(change: (item: T) => U): (list: readonly T[]) => readonly U[] {
  const made = new Map<readonly T[], readonly U[]>();
  return (list) => {
    const known = made.get(list) ?? list.map(change);
    made.set(list, known);
    return known;
  };
}
