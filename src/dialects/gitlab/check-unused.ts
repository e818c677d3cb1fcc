import type { Span } from '../../diagnostics/diagnostic.ts';
import type { MapEntry, MapNode, Node } from '../../syntax/node.ts';
import { globalKeys } from './keywords/default.ts';
import type { Reading } from './reading.ts';

/**
 * Finds hidden jobs of the pipeline file that nothing uses: no `extends`, no `!reference`, no alias or merge key. A file
 * without visible jobs is a library for others, and so are included files; and what could not be read may use anything.
 * @param root the top level as it was written, includes merged in.
 * @param used what `extends` and `!reference` name.
 */
export function checkUnused(root: MapNode, file: string, used: ReadonlySet<string>, reading: Reading): void {
  const visible = [...root.entries.values()].some(({ key }) => !key.startsWith('.') && !globalKeys.has(key));
  if (reading.incomplete || !visible) return;
  const idle = [...root.entries.values()].filter(
    ({ key, keySpan }) => key.startsWith('.') && keySpan.file === file && !used.has(key),
  );
  if (idle.length === 0) return;
  const shared = namesOfShared(root, idle);
  for (const { key, keySpan } of idle) {
    if (shared.has(key)) continue;
    reading.report({
      code: 'gitlab/unused-hidden-job',
      severity: 'warning',
      message: `nothing uses the hidden job \`${key}\``,
      span: keySpan,
      hint: 'no `extends`, `!reference` or alias leads to it; a name without the dot would make it a job',
    });
  }
}

/** The names of those entries some of whose nodes stand elsewhere too: aliases and merge keys share nodes. */
function namesOfShared(root: MapNode, entries: readonly MapEntry[]): ReadonlySet<string> {
  const owners = new Map<Node, string>();
  for (const { key, keySpan, value } of entries) {
    const place = { ...value.span, start: keySpan.start };
    visit(value, (node) => {
      const own = contains(place, node.span);
      if (own) owners.set(node, key);
      return own;
    });
  }
  const found = new Set<string>();
  for (const entry of root.entries.values()) {
    visit(entry.value, (node) => {
      const owner = owners.get(node);
      if (owner !== undefined && owner !== entry.key) found.add(owner);
      return true;
    });
  }
  return found;
}

/** Calls `enter` for every node, each once; false: not what is below it. */
function visit(root: Node, enter: (node: Node) => boolean): void {
  const seen = new Set<Node>();
  const open: Node[] = [root];
  for (let node = open.pop(); node; node = open.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    if (!enter(node)) continue;
    if (node.kind === 'seq') open.push(...node.items);
    else if (node.kind === 'map') for (const { value } of node.entries.values()) open.push(value);
  }
}

function contains(outer: Span, inner: Span): boolean {
  return outer.file === inner.file && outer.start <= inner.start && inner.end <= outer.end;
}
