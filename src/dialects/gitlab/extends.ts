import type { Report } from '../../diagnostics/diagnostic.ts';
import { type MapNode, type Node, type ScalarNode, withoutKeys } from '../../syntax/node.ts';
import { suggester } from '../../util/nearest.ts';
import { mergeMaps } from './merge.ts';

/** GitLab's limit. Source: https://docs.gitlab.com/ci/yaml/#extends */
const mostLevels = 11;
/** How deep we follow a chain that is too deep anyway, so that its jobs still make sense; spares the call stack. */
const deepestFollowed = 100;
const extendsKey: ReadonlySet<string> = new Set(['extends']);

interface Resolver {
  readonly root: MapNode;
  readonly report: Report;
  readonly incomplete: boolean;
  readonly done: Map<string, MapNode>;
  /** Longest chain of `extends` below each finished name. */
  readonly levels: Map<string, number>;
  /** Names that are being resolved, outermost first. */
  readonly path: string[];
  readonly suggest: (name: string) => string | undefined;
  readonly used: Set<string>;
}

/**
 * Resolves `extends` of every top-level map: its bases in order, a later one wins, then the map itself; maps are
 * merged deeply, everything else is replaced. Each name is resolved once and its nodes are shared by all that extend
 * it, so the work is linear in the file.
 * @param given.used takes the names that are extended.
 * @returns the top level without any `extends`.
 */
export function resolveExtends(
  root: MapNode,
  given: { report: Report; incomplete: boolean; used: Set<string> },
): MapNode {
  const resolver: Resolver = {
    root,
    ...given,
    done: new Map(),
    levels: new Map(),
    path: [],
    suggest: suggester(() => root.entries.keys()),
  };
  const entries = new Map(root.entries);
  for (const entry of root.entries.values()) {
    if (entry.value.kind !== 'map') continue;
    entries.set(entry.key, { ...entry, value: resolve(resolver, entry.key, entry.value) });
  }
  return { ...root, entries };
}

function resolve(resolver: Resolver, name: string, node: MapNode): MapNode {
  const known = resolver.done.get(name);
  if (known) return known;
  const bases = baseNames(node, resolver.report);
  let merged: MapNode | undefined;
  let levels = 0;
  resolver.path.push(name);
  for (const base of bases) {
    const found = findBase(resolver, name, base);
    if (found === undefined) continue;
    const resolved = resolve(resolver, base.text, found);
    levels = Math.max(levels, (resolver.levels.get(base.text) ?? 0) + 1);
    merged = merged ? mergeMaps(merged, resolved) : resolved;
    if (levels === mostLevels + 1) reportTooDeep(resolver, name, base);
  }
  resolver.path.pop();
  const own = withoutKeys(node, extendsKey);
  const result = merged ? { ...mergeMaps(merged, own), span: node.span } : own;
  resolver.done.set(name, result);
  resolver.levels.set(name, levels);
  return result;
}

function baseNames(node: MapNode, report: Report): readonly ScalarNode[] {
  const names: ScalarNode[] = [];
  const visit = (value: Node): void => {
    if (value.kind === 'seq') value.items.forEach(visit);
    else if (value.kind === 'scalar') {
      if (value.value !== null) names.push(value);
    } else {
      report({
        code: 'gitlab/invalid-value',
        severity: 'error',
        message: '`extends` must be a name or a list of names',
        span: value.span,
      });
    }
  };
  const value = node.entries.get('extends')?.value;
  if (value) visit(value);
  return names;
}

function findBase(resolver: Resolver, name: string, base: ScalarNode): MapNode | undefined {
  const { root, report, incomplete, path } = resolver;
  resolver.used.add(base.text);
  const entry = root.entries.get(base.text);
  if (entry === undefined) {
    const hint =
      resolver.suggest(base.text) ?? 'hidden jobs stand at the top level of this file or of one that it includes';
    report({
      code: 'gitlab/unknown-extends',
      severity: incomplete ? 'warning' : 'error',
      message: `\`${name}\` extends \`${base.text}\`, which does not exist${incomplete ? ' in what could be read' : ''}`,
      span: base.span,
      ...(hint === undefined ? {} : { hint }),
    });
    return undefined;
  }
  if (entry.value.kind !== 'map') {
    report({
      code: 'gitlab/invalid-extends',
      severity: 'error',
      message: `\`${name}\` extends \`${base.text}\`, which is no map`,
      span: base.span,
      related: [{ message: 'it is defined here', span: entry.keySpan }],
    });
    return undefined;
  }
  const from = path.indexOf(base.text);
  if (from >= 0) {
    report({
      code: 'gitlab/extends-cycle',
      severity: 'error',
      message: `\`extends\` runs in a circle: ${[...path.slice(from), base.text].map((one) => `\`${one}\``).join(' → ')}`,
      span: base.span,
      hint: 'take one of these `extends` away, or move what they share into another hidden job',
    });
    return undefined;
  }
  if (path.length > deepestFollowed && !resolver.done.has(base.text)) {
    reportTooDeep(resolver, path[0]!, base);
    return undefined;
  }
  return entry.value;
}

function reportTooDeep(resolver: Resolver, name: string, base: ScalarNode): void {
  resolver.report({
    code: 'gitlab/extends-too-deep',
    severity: 'error',
    message: `\`${name}\` extends more than ${mostLevels} levels deep`,
    span: base.span,
  });
}
