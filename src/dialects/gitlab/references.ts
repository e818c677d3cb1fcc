import type { Report } from '../../diagnostics/diagnostic.ts';
import type { MapEntry, MapNode, Node, ReferenceNode } from '../../syntax/node.ts';
import { didYouMean, suggester } from '../../util/nearest.ts';

/** GitLab's limit. Source: https://docs.gitlab.com/ci/yaml/yaml_optimization/#nest-reference-tags-in-script-before_script-and-after_script */
const mostLevels = 10;

interface Resolver {
  readonly root: MapNode;
  readonly report: Report;
  readonly incomplete: boolean;
  /** What became of a node; nodes are shared, so each is visited once. */
  readonly done: Map<Node, Node>;
  /** References that are being resolved, outermost first. */
  readonly path: ReferenceNode[];
  /** For the first part of a path, a name at the top level. */
  readonly suggest: (name: string) => string | undefined;
  readonly used: Set<string>;
}

/**
 * Replaces every `!reference` by the node that it names (after `extends`). One that can't be resolved is told and
 * stays where it is; readers pass over it. A node without references below it stays the very same node.
 * @param given.used takes the names at the top level that references lead to.
 */
export function resolveReferences(
  root: MapNode,
  given: { report: Report; incomplete: boolean; used: Set<string> },
): MapNode {
  const resolver: Resolver = {
    root,
    ...given,
    done: new Map(),
    path: [],
    suggest: suggester(() => root.entries.keys()),
  };
  const resolved = resolve(resolver, root);
  return resolved.kind === 'map' ? resolved : root;
}

function resolve(resolver: Resolver, node: Node): Node {
  if (node.kind === 'scalar') return node;
  const known = resolver.done.get(node);
  if (known) return known;
  const resolved = resolveNode(resolver, node);
  resolver.done.set(node, resolved);
  return resolved;
}

function resolveNode(resolver: Resolver, node: Exclude<Node, { kind: 'scalar' }>): Node {
  if (node.kind === 'reference') return resolveReference(resolver, node);
  if (node.kind === 'seq') {
    const items = node.items.map((item) => resolve(resolver, item));
    return items.every((item, index) => item === node.items[index]) ? node : { ...node, items };
  }
  let changed: Map<string, MapEntry> | undefined;
  for (const entry of node.entries.values()) {
    const value = resolve(resolver, entry.value);
    if (value === entry.value) continue;
    changed ??= new Map(node.entries);
    changed.set(entry.key, { ...entry, value });
  }
  return changed ? { ...node, entries: changed } : node;
}

function resolveReference(resolver: Resolver, node: ReferenceNode): Node {
  if (node.path[0] !== undefined) resolver.used.add(node.path[0]);
  const from = resolver.path.indexOf(node);
  if (from >= 0) {
    const circle = [...resolver.path.slice(from), node].map(write).join(' → ');
    return refuse(resolver, node, 'gitlab/reference-cycle', `\`!reference\` runs in a circle: ${circle}`);
  }
  if (resolver.path.length >= mostLevels) {
    const message = `\`!reference\` is nested deeper than ${mostLevels} levels`;
    return refuse(resolver, node, 'gitlab/reference-too-deep', message);
  }
  resolver.path.push(node);
  const target = find(resolver, node);
  const resolved = target && resolve(resolver, target);
  resolver.path.pop();
  return resolved ?? node;
}

/** Walks along the path; a reference on the way is resolved first. */
function find(resolver: Resolver, node: ReferenceNode): Node | undefined {
  let at: Node = resolver.root;
  for (const [index, key] of node.path.entries()) {
    if (at.kind === 'reference') at = resolve(resolver, at);
    const next: Node | undefined = at.kind === 'map' ? at.entries.get(key)?.value : undefined;
    if (next === undefined) {
      const candidates = at.kind === 'map' ? at.entries.keys() : [];
      const hint = index === 0 ? resolver.suggest(key) : didYouMean(key, candidates);
      const place = index === 0 ? '' : ` in \`${node.path.slice(0, index).join(':')}\``;
      resolver.report({
        code: 'gitlab/unknown-reference',
        severity: resolver.incomplete ? 'warning' : 'error',
        message: `\`!reference ${write(node)}\` leads nowhere: there is no \`${key}\`${place}`,
        span: node.span,
        ...(hint === undefined ? {} : { hint }),
      });
      return undefined;
    }
    at = next;
  }
  return node.path.length === 0 ? undefined : at;
}

function refuse(
  resolver: Resolver,
  node: ReferenceNode,
  code: 'gitlab/reference-cycle' | 'gitlab/reference-too-deep',
  message: string,
): Node {
  const hint = 'write out what one of them leads to';
  resolver.report({ code, severity: 'error', message, span: node.span, hint });
  return node;
}

function write(node: ReferenceNode): string {
  return `[${node.path.join(', ')}]`;
}
