import { oneLine } from '../terminal-text.ts';
import { type GraphNode, reduceGraph } from './graph.ts';

/** The DAG as text: the jobs by stage, each with what it waits for. For `ci graph --format tree`. */
export function treeGraph(nodes: readonly GraphNode[], options: { readonly color: boolean }): string {
  const graph = reduceGraph(nodes);
  const name = new Map(nodes.map((node) => [node.id, oneLine(node.id, options)]));
  const byStage = new Map<string, string[]>(graph.stages.map((stage) => [stage, []]));
  for (const node of nodes) byStage.get(node.stage)!.push(node.id);
  const stageOf = new Map(nodes.map((node) => [node.id, node.stage]));
  const lines: string[] = [];
  for (const [stage, ids] of byStage) {
    lines.push(oneLine(stage, options));
    ids.forEach((id, index) => {
      const branch = index === ids.length - 1 ? '└─' : '├─';
      const needs = needsText(graph.needsOf(id), stageOf, byStage, name);
      lines.push(`${branch} ${name.get(id)}${needs === '' ? '' : `  ← ${needs}`}`);
    });
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

/** `a, b`, or `all of build` where that says the same shorter. */
function needsText(
  needs: readonly string[],
  stageOf: ReadonlyMap<string, string>,
  byStage: ReadonlyMap<string, readonly string[]>,
  name: ReadonlyMap<string, string>,
): string {
  const stages = new Set(needs.map((id) => stageOf.get(id)!));
  const [stage] = stages;
  if (stage !== undefined && stages.size === 1 && needs.length > 2 && needs.length === byStage.get(stage)!.length) {
    return `all of ${oneLine(stage, { color: false })}`;
  }
  return needs.map((id) => name.get(id)!).join(', ');
}
