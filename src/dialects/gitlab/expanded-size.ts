import type { Report } from '../../diagnostics/diagnostic.ts';
import type { MapNode, Node } from '../../syntax/node.ts';

/** Far above what any real job holds; what is shared by `!reference` counts each time. */
const mostNodesOfEntry = 200_000;
const mostNodes = 10_000_000;

/**
 * Refuses entries that `!reference` multiplies beyond any sense: each level of a chain may name the level below it
 * many times, and though the nodes are shared, reading them is not.
 * @returns the top level without those entries.
 */
export function limitExpandedSize(root: MapNode, report: Report): MapNode {
  const sizes = new Map<Node, number>();
  const entries = new Map(root.entries);
  let total = 0;
  for (const entry of root.entries.values()) {
    const size = expandedSize(entry.value, sizes);
    total += size;
    if (size <= mostNodesOfEntry && total <= mostNodes) continue;
    entries.delete(entry.key);
    report({
      code: 'gitlab/expands-too-far',
      severity: 'error',
      message: `\`${entry.key}\` has more than ${size > mostNodesOfEntry ? mostNodesOfEntry : mostNodes} values once its references are resolved`,
      span: entry.keySpan,
    });
    total -= size;
  }
  return entries.size === root.entries.size ? root : { ...root, entries };
}

/** Number of values below a node, itself included, shared ones each time; each node is counted once. */
function expandedSize(node: Node, sizes: Map<Node, number>): number {
  if (node.kind === 'scalar' || node.kind === 'reference') return 1;
  const known = sizes.get(node);
  if (known !== undefined) return known;
  let size = 1;
  if (node.kind === 'seq') for (const item of node.items) size += expandedSize(item, sizes);
  else for (const entry of node.entries.values()) size += expandedSize(entry.value, sizes);
  sizes.set(node, size);
  return size;
}
