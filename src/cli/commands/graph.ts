import type { PlanNode } from '../../model/plan.ts';
import { resolveColor } from '../../reporters/color.ts';
import { withNodesBelow } from '../downstream/with-nodes-below.ts';
import { exitCodes } from '../exit-code.ts';
import { type Invocation, print, printJson, printMessage } from '../invocation.ts';
import { loadWholePlan } from '../load-plan.ts';
import type { PlanOptions } from '../options.ts';

/** Options of `ci graph`; `dot` is Graphviz, `html` one page that needs nothing else. */
export type GraphOptions = PlanOptions & { readonly format: 'tree' | 'mermaid' | 'dot' | 'json' | 'html' };

/** `ci graph [SELECTOR…]`: who waits for whom. */
export async function graph(
  invocation: Invocation,
  selectors: readonly string[],
  options: GraphOptions,
): Promise<number> {
  const { plan, previews } = await loadWholePlan(invocation, selectors, options);
  const drawn = withNodesBelow(plan, previews).flatMap(({ plan: each, bridge }) =>
    each.nodes.map((node) => ({ node, graph: toGraphNode(node, bridge) })),
  );
  const nodes = drawn.map(({ graph: each }) => each);
  if (options.format === 'json') {
    await printJson(invocation, {
      schema: 'ci/1',
      jobs: drawn.map(({ node, graph: each }) => ({ ...each, when: node.when, scheduling: node.scheduling })),
    });
    return exitCodes.ok;
  }
  if (nodes.length === 0) {
    const why = plan.leftOutBecause ?? 'no job is in the pipeline';
    await printMessage(invocation, `nothing to draw: ${why}`);
    return exitCodes.ok;
  }
  await print(invocation.stdout, await draw(invocation, nodes, options));
  return exitCodes.ok;
}

async function draw(invocation: Invocation, nodes: readonly ReturnType<typeof toGraphNode>[], options: GraphOptions) {
  switch (options.format) {
    case 'mermaid':
      return (await import('../../reporters/graph/mermaid-graph.ts')).mermaidGraph(nodes);
    case 'dot':
      return (await import('../../reporters/graph/dot-graph.ts')).dotGraph(nodes);
    case 'html':
      return (await import('../../reporters/graph/html-graph.ts')).htmlGraph(nodes);
    default: {
      const { env, stdout } = invocation;
      const color = resolveColor({ flag: options.color ?? 'auto', env, isTTY: stdout.isTty });
      return (await import('../../reporters/graph/tree-graph.ts')).treeGraph(nodes, { color });
    }
  }
}

/** The first jobs of a pipeline that a bridge starts wait for the bridge; its stages are its own. */
function toGraphNode(node: PlanNode, bridge: string | undefined) {
  const needs = node.needs.map(({ id }) => id);
  if (bridge === undefined) return { id: node.id, name: node.name, stage: node.stage, needs };
  const stage = `${bridge}/${node.stage}`;
  return { id: node.id, name: node.name, stage, needs: needs.length === 0 ? [bridge] : needs };
}
