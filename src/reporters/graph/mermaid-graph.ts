import { stripAnsi } from '../terminal-text.ts';
import { type GraphNode, isKnot, reduceGraph } from './graph.ts';

/** A quoted label: Mermaid reads `#code;` in it, so everything that could be markup is written so. */
function label(text: string): string {
  const escaped = stripAnsi(text).replace(
    /[^\p{L}\p{N} _.,:/()=+@!?-]/gu,
    (character) => `#${character.codePointAt(0)};`,
  );
  return `"${escaped === '' ? ' ' : escaped}"`;
}

const colours: Readonly<Record<string, string>> = {
  success: '#1a7f37',
  failed: '#cf222e',
  canceled: '#9a6700',
  skipped: '#8c959f',
  manual: '#0969da',
  running: '#0969da',
};

/** The DAG as a Mermaid flowchart, one subgraph for each stage. For `ci graph --format mermaid`. */
export function mermaidGraph(nodes: readonly GraphNode[]): string {
  const graph = reduceGraph(nodes);
  const key = new Map(nodes.map((node, index) => [node.id, `j${index}`]));
  const lines = ['flowchart LR'];
  graph.stages.forEach((stage, index) => {
    lines.push(`  subgraph s${index}[${label(stage)}]`);
    for (const node of nodes) if (node.stage === stage) lines.push(`    ${key.get(node.id)}[${label(node.name)}]`);
    lines.push('  end');
  });
  graph.joins.forEach((join, index) => {
    if (!isKnot(join)) {
      for (const from of join.from) for (const to of join.to) lines.push(`  ${key.get(from)} --> ${key.get(to)}`);
      return;
    }
    lines.push(`  k${index}(( ))`);
    for (const from of join.from) lines.push(`  ${key.get(from)} --- k${index}`);
    for (const to of join.to) lines.push(`  k${index} --> ${key.get(to)}`);
  });
  for (const [status, colour] of Object.entries(colours)) {
    const members = nodes.filter((node) => node.status === status).map((node) => key.get(node.id));
    if (members.length === 0) continue;
    lines.push(`  classDef ${status} stroke:${colour},stroke-width:2px`, `  class ${members.join(',')} ${status}`);
  }
  return `${lines.join('\n')}\n`;
}
