import { truncateToWidth } from '../display-width.ts';
import { htmlPage, htmlText } from '../html-page.ts';
import { stripAnsi } from '../terminal-text.ts';
import { type Graph, type GraphNode, isKnot, reduceGraph } from './graph.ts';

const box = { width: 180, height: 30, gapX: 70, gapY: 12, top: 40, left: 10 };
const style = `
body { max-width: none } svg { display: block } svg rect { fill: var(--soft); stroke: var(--line) }
svg text { fill: var(--fg); font: 13px system-ui, sans-serif } svg text.stage { font-weight: 600 }
svg path { fill: none; stroke: var(--muted) } svg circle { fill: var(--muted) }
${['success', 'failed', 'canceled', 'skipped', 'manual', 'running'].map((name) => `svg rect.${name} { stroke: var(--${name}); stroke-width: 2 }`).join('\n')}
`;

interface Place {
  readonly x: number;
  readonly y: number;
}

/**
 * Columns of the picture: a stage is one column, or several where jobs of the stage wait for each other. Stages stand
 * in their order, so most lines lead to the right.
 */
function layout(graph: Graph): {
  places: ReadonlyMap<string, Place>;
  heads: readonly { text: string; x: number }[];
  width: number;
  height: number;
} {
  const places = new Map<string, Place>();
  const heads: { text: string; x: number }[] = [];
  let x = box.left;
  let height = box.top;
  for (const stage of graph.stages) {
    const members = graph.nodes.filter((node) => node.stage === stage);
    const levels = [...new Set(members.map((node) => graph.levelOf(node.id)))].sort((a, b) => a - b);
    heads.push({ text: stage, x });
    for (const level of levels) {
      let y = box.top;
      for (const node of members) {
        if (graph.levelOf(node.id) !== level) continue;
        places.set(node.id, { x, y });
        y += box.height + box.gapY;
      }
      height = Math.max(height, y);
      x += box.width + box.gapX;
    }
  }
  return { places, heads, width: x, height };
}

function curve(from: Place, to: Place): string {
  const middle = (from.x + to.x) / 2;
  return `<path d="M${from.x} ${from.y}C${middle} ${from.y} ${middle} ${to.y} ${to.x} ${to.y}"/>`;
}

function edges(graph: Graph, places: ReadonlyMap<string, Place>): string[] {
  const out = (id: string): Place => ({ x: places.get(id)!.x + box.width, y: places.get(id)!.y + box.height / 2 });
  const into = (id: string): Place => ({ x: places.get(id)!.x, y: places.get(id)!.y + box.height / 2 });
  return graph.joins.flatMap((join, index) => {
    if (!isKnot(join)) return join.from.flatMap((from) => join.to.map((to) => curve(out(from), into(to))));
    const ys = [...join.from.map(out), ...join.to.map(into)].map(({ y }) => y);
    const average = ys.reduce((sum, y) => sum + y, 0) / ys.length;
    // A few pixels apart, so that two points of one gap can be told from each other.
    const knot = { x: Math.min(...join.to.map((id) => into(id).x)) - 20 - (index % 3) * 8, y: Math.round(average) };
    const dot = `<circle cx="${knot.x}" cy="${knot.y}" r="3"/>`;
    return [...join.from.map((id) => curve(out(id), knot)), dot, ...join.to.map((id) => curve(knot, into(id)))];
  });
}

const statuses = new Set(['success', 'failed', 'canceled', 'skipped', 'manual', 'running']);

function drawNode(node: GraphNode, { x, y }: Place): string {
  const name = stripAnsi(node.name);
  const kind = node.status !== undefined && statuses.has(node.status) ? ` class="${node.status}"` : '';
  const rect = `<rect${kind} x="${x}" y="${y}" width="${box.width}" height="${box.height}" rx="6"/>`;
  const text = `<text x="${x + 10}" y="${y + 20}">${htmlText(truncateToWidth(name, 22))}</text>`;
  return `<g><title>${htmlText(name)}</title>${rect}${text}</g>`;
}

/** The DAG as one self-contained page with a drawing. For `ci graph --format html`. */
export function htmlGraph(nodes: readonly GraphNode[], title = 'Pipeline'): string {
  const graph = reduceGraph(nodes);
  const { places, heads, width, height } = layout(graph);
  const drawing = [
    ...edges(graph, places),
    ...heads.map(({ text, x }) => `<text class="stage" x="${x}" y="20">${htmlText(text)}</text>`),
    ...nodes.map((node) => drawNode(node, places.get(node.id)!)),
  ];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">\n${drawing.join('\n')}\n</svg>`;
  return htmlPage(title, `<h1>${htmlText(title)}</h1>\n${svg}`, style);
}
