import type { Span } from '../../diagnostics/diagnostic.ts';
import type { Rule } from '../../model/pipeline.ts';
import type { MapNode, Node } from '../../syntax/node.ts';
import { readRule } from './keywords/rules.ts';
import { invalidValue, type Reading } from './reading.ts';
import { field, flatItems, kindOf, readText } from './values.ts';

/** One entry of `include`, not resolved. */
export type IncludeEntry = (
  | { readonly kind: 'local'; readonly path: string; readonly inputs?: Node }
  /** `name`: what is told to be left out: `project group/name`. `node`: the entry as it is written. */
  | { readonly kind: 'foreign'; readonly name: string; readonly node: Node }
) & { readonly span: Span; readonly rules: readonly Rule[] | undefined };

const foreignKeys = ['project', 'remote', 'template', 'component', 'artifact'] as const;

/** The entries of `include`: a text or map, or a list of them. */
export function readIncludes(node: Node, reading: Reading): readonly IncludeEntry[] {
  return flatItems(node, 'include', reading).flatMap((item) => readInclude(item, reading) ?? []);
}

function readInclude(node: Node, reading: Reading): IncludeEntry | undefined {
  if (node.kind === 'scalar' && typeof node.value === 'string') {
    const common = { span: node.span, rules: undefined };
    // GitLab tells them apart like this. Source: lib/gitlab/ci/config/external/mapper/normalizer.rb
    if (/^https?:\/\//.test(node.text)) return { kind: 'foreign', name: `remote ${node.text}`, node, ...common };
    return { kind: 'local', path: node.text, ...common };
  }
  if (node.kind === 'map') return readDetailed(node, reading);
  invalidValue(reading, node.span, `an entry of \`include\` must be a path or a map, not ${kindOf(node)}`);
  return undefined;
}

function readDetailed(node: MapNode, reading: Reading): IncludeEntry | undefined {
  const rules = readIncludeRules(node, reading);
  const local = field(node, 'local');
  if (local) {
    const path = readText(local.value, 'include:local', reading);
    const inputs = field(node, 'inputs')?.value;
    if (path === undefined) return undefined;
    return { kind: 'local', path, span: local.value.span, rules, ...(inputs ? { inputs } : {}) };
  }
  for (const key of foreignKeys) {
    const entry = field(node, key);
    if (entry === undefined) continue;
    const target = entry.value.kind === 'scalar' ? entry.value.text : '';
    return { kind: 'foreign', name: `${key} ${target}${fileNames(node)}`, node, span: entry.value.span, rules };
  }
  invalidValue(reading, node.span, 'an entry of `include` names no file', 'write `local: path`');
  return undefined;
}

function fileNames(node: MapNode): string {
  const file = field(node, 'file')?.value;
  const texts = (file?.kind === 'seq' ? file.items : file ? [file] : []).flatMap((item) =>
    item.kind === 'scalar' ? [item.text] : [],
  );
  return texts.length === 0 ? '' : `: ${texts.join(', ')}`;
}

function readIncludeRules(node: MapNode, reading: Reading): readonly Rule[] | undefined {
  const entry = field(node, 'rules');
  if (entry === undefined) return undefined;
  return flatItems(entry.value, 'include:rules', reading).flatMap((item) => readRule(item, reading) ?? []);
}
