import { stripAnsi } from '../terminal-text.ts';
import { type GraphNode, isKnot, reduceGraph } from './graph.ts';

/** A quoted string of DOT. Source: https://graphviz.org/doc/info/lang.html */
function quoted(text: string): string {
  return `"${stripAnsi(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

const colours: Readonly<Record<string, string>> = {
  success: 'forestgreen',
  failed: 'crimson',
  canceled: 'darkgoldenrod',
  skipped: 'gray',
  manual: 'royalblue',
  running: 'royalblue',
};

/** The DAG for Graphviz, one cluster for each stage. For `ci graph --format dot`. */
export function dotGraph(nodes: readonly GraphNode[]): string {
  const graph = reduceGraph(nodes);
  const key = new Map(nodes.map((node, index) => [node.id, `j${index}`]));
  const lines = ['digraph pipeline {', '  rankdir=LR;', '  node [shape=box, style=rounded];'];
  graph.stages.forEach((stage, index) => {
    lines.push(`  subgraph cluster_${index} {`, `    label=${quoted(stage)};`);
    for (const node of nodes) {
      if (node.stage !== stage) continue;
      const colour = colours[node.status ?? ''];
      lines.push(
        `    ${key.get(node.id)} [label=${quoted(node.name)}${colour === undefined ? '' : `, color=${colour}`}];`,
      );
    }
    lines.push('  }');
  });
  graph.joins.forEach((join, index) => {
    if (!isKnot(join)) {
      for (const from of join.from) for (const to of join.to) lines.push(`  ${key.get(from)} -> ${key.get(to)};`);
      return;
    }
    lines.push(`  k${index} [shape=point, width=0.05];`);
    for (const from of join.from) lines.push(`  ${key.get(from)} -> k${index} [arrowhead=none];`);
    for (const to of join.to) lines.push(`  k${index} -> ${key.get(to)};`);
  });
  return `${[...lines, '}'].join('\n')}\n`;
}
