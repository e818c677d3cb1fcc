import type { Span, Spanned } from '../../diagnostics/diagnostic.ts';
import type { Rule } from '../../model/pipeline.ts';
import type { MapNode, Node } from '../../syntax/node.ts';
import { parseDuration } from '../../util/duration.ts';
import { readRule } from './keywords/rules.ts';
import { isAbsent } from './merge.ts';
import { invalidValue, type Reading } from './reading.ts';
import { field, flatItems, kindOf, readText, textField } from './values.ts';

/** One entry of `include`, not resolved; variables in its texts are not expanded. */
export interface IncludeEntry {
  readonly target: IncludeTarget;
  /** The place that messages about the file point at. */
  readonly span: Span;
  /** The entry as it is written. */
  readonly node: Node;
  readonly inputs?: Node;
  readonly rules: readonly Rule[] | undefined;
}

/** What an entry names. */
export type IncludeTarget =
  /** A path or an address: which of them can be told when its variables are expanded. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'local'; readonly path: string }
  | {
      readonly kind: 'project';
      readonly project: string;
      readonly files: readonly Spanned<string>[];
      readonly ref: string | undefined;
    }
  | {
      readonly kind: 'remote';
      readonly url: string;
      readonly integrity: string | undefined;
      readonly cacheMs: number | undefined;
    }
  | { readonly kind: 'template'; readonly name: string }
  | { readonly kind: 'component'; readonly address: string }
  /** Only for a child pipeline. */
  | { readonly kind: 'artifact'; readonly path: string; readonly job: string };

/** How long a remote file is kept with `cache: true`, and at least. Source: https://docs.gitlab.com/ci/yaml/#includecache */
const usualCacheMs = 3_600_000;
const shortestCacheMs = 60_000;

/** The entries of `include`: a text or map, or a list of them. */
export function readIncludes(node: Node, reading: Reading): readonly IncludeEntry[] {
  return flatItems(node, 'include', reading).flatMap((item) => readInclude(item, reading) ?? []);
}

function readInclude(node: Node, reading: Reading): IncludeEntry | undefined {
  if (node.kind === 'scalar' && typeof node.value === 'string') {
    return { target: { kind: 'text', text: node.text }, span: node.span, node, rules: undefined };
  }
  if (node.kind === 'map') return readDetailed(node, reading);
  invalidValue(reading, node.span, `an entry of \`include\` must be a path or a map, not ${kindOf(node)}`);
  return undefined;
}

const readers: Readonly<Record<string, (value: Node, entry: MapNode, reading: Reading) => IncludeTarget | undefined>> =
  {
    local: (value, _, reading) => {
      const path = readText(value, 'include:local', reading);
      return path === undefined ? undefined : { kind: 'local', path };
    },
    project: readProject,
    remote: readRemote,
    template: (value, _, reading) => {
      const name = readText(value, 'include:template', reading);
      return name === undefined ? undefined : { kind: 'template', name };
    },
    component: (value, _, reading) => {
      const address = readText(value, 'include:component', reading);
      return address === undefined ? undefined : { kind: 'component', address };
    },
    artifact: (value, node, reading) => {
      const path = readText(value, 'include:artifact', reading);
      const job = textField(node, 'job', 'include:job', reading);
      return path === undefined || job === undefined ? undefined : { kind: 'artifact', path, job };
    },
  };

function readDetailed(node: MapNode, reading: Reading): IncludeEntry | undefined {
  const rules = readIncludeRules(node, reading);
  for (const [key, read] of Object.entries(readers)) {
    const entry = field(node, key);
    if (entry === undefined) continue;
    const target = read(entry.value, node, reading);
    const inputs = field(node, 'inputs')?.value;
    return target && { target, span: entry.value.span, node, rules, ...(inputs ? { inputs } : {}) };
  }
  invalidValue(reading, node.span, 'an entry of `include` names no file', 'write `local: path`');
  return undefined;
}

function readProject(value: Node, node: MapNode, reading: Reading): IncludeTarget | undefined {
  const project = readText(value, 'include:project', reading);
  const file = field(node, 'file');
  const ref = textField(node, 'ref', 'include:ref', reading);
  if (file === undefined) {
    invalidValue(
      reading,
      node.span,
      'an `include` of a project names no `file`',
      'write `file: path` beside `project`',
    );
    return undefined;
  }
  const files = flatItems(file.value, 'include:file', reading).flatMap((item) => {
    const path = isAbsent(item) ? undefined : readText(item, 'include:file', reading);
    return path === undefined ? [] : [{ value: path, span: item.span }];
  });
  return project === undefined ? undefined : { kind: 'project', project, files, ref };
}

function readRemote(value: Node, node: MapNode, reading: Reading): IncludeTarget | undefined {
  const url = readText(value, 'include:remote', reading);
  const integrity = textField(node, 'integrity', 'include:integrity', reading);
  const cacheMs = readCache(node, reading);
  return url === undefined ? undefined : { kind: 'remote', url, integrity, cacheMs };
}

function readCache(node: MapNode, reading: Reading): number | undefined {
  const cache = field(node, 'cache')?.value;
  if (cache?.kind !== 'scalar' || cache.value === false) return undefined;
  if (cache.value === true) return usualCacheMs;
  const ms = parseDuration(cache.text);
  if (ms !== undefined && ms >= shortestCacheMs) return ms;
  const hint = 'write `true` or a duration such as `2 hours`';
  invalidValue(reading, cache.span, `\`include:cache\` must be a duration of at least 1 minute`, hint);
  return undefined;
}

function readIncludeRules(node: MapNode, reading: Reading): readonly Rule[] | undefined {
  const entry = field(node, 'rules');
  if (entry === undefined) return undefined;
  return flatItems(entry.value, 'include:rules', reading).flatMap((item) => readRule(item, reading) ?? []);
}
