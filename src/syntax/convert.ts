import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { DiagnosticCode } from '../diagnostics/codes.ts';
import type { Checked, Diagnostic, Span } from '../diagnostics/diagnostic.ts';
import type { ParseLimits } from './limits.ts';
import { type LineIndex, lineIndex } from './line-index.ts';
import type { MapEntry, MapNode, Node, ScalarNode } from './node.ts';
import { plainScalarText, readPlainScalar, type ScalarRules } from './scalars.ts';

/** What turning the library's tree into nodes has to know. */
export interface ConvertInput {
  readonly file: string;
  readonly text: string;
  readonly rules: ScalarRules;
  readonly limits: ParseLimits;
}

/** A node under an anchor; `node` is undefined while it is still being read, so an alias to it is a cycle. */
interface Anchored {
  node: Node | undefined;
  /** Nodes it stands for when written out. */
  size: number;
}

interface State extends ConvertInput {
  readonly diagnostics: Diagnostic[];
  readonly anchors: Map<string, Anchored>;
  lines: LineIndex | undefined;
  failed: boolean;
  /** Nodes in the text so far. */
  sourceNodes: number;
  /** Entries copied by merge keys so far. */
  mergedEntries: number;
  /** Written-out size of the node that `convert` returned last. */
  lastSize: number;
}

type Range = readonly [number, number, ...number[]] | null | undefined;

const strTag = 'tag:yaml.org,2002:str';
const standardTags: ReadonlySet<string> = new Set([
  strTag,
  '!',
  'tag:yaml.org,2002:map',
  'tag:yaml.org,2002:seq',
  'tag:yaml.org,2002:int',
  'tag:yaml.org,2002:float',
  'tag:yaml.org,2002:bool',
  'tag:yaml.org,2002:null',
]);

function toSpan(state: State, range: Range): Span {
  return { file: state.file, start: range?.[0] ?? 0, end: range?.[1] ?? 0 };
}

function fail(state: State, code: DiagnosticCode, message: string, span: Span, hint?: string): void {
  state.failed = true;
  state.diagnostics.push({ code, severity: 'error', message, span, ...(hint === undefined ? {} : { hint }) });
}

function lineOf(state: State, offset: number): number {
  state.lines ??= lineIndex(state.text);
  return state.lines.position(offset).line;
}

function emptyNode(state: State, at: number): ScalarNode {
  state.lastSize = 1;
  return { kind: 'scalar', value: null, text: '', span: { file: state.file, start: at, end: at } };
}

function convertScalar(state: State, scalar: Scalar): ScalarNode {
  const source = typeof scalar.value === 'string' ? scalar.value : '';
  const span = toSpan(state, scalar.range);
  state.lastSize = 1;
  const isPlain = scalar.type === 'PLAIN' || scalar.type === undefined;
  if (!isPlain || scalar.tag === strTag || scalar.tag === '!')
    return { kind: 'scalar', value: source, text: source, span };
  const value = readPlainScalar(source, state.rules);
  return { kind: 'scalar', value, text: plainScalarText(value, source, state.rules), span };
}

/** A tag other than `!reference` is told once a place and then ignored. */
function checkTag(state: State, tag: string, range: Range): void {
  if (standardTags.has(tag)) return;
  const name = tag.startsWith('tag:yaml.org,2002:') ? `!!${tag.slice('tag:yaml.org,2002:'.length)}` : tag;
  state.diagnostics.push({
    code: 'syntax/unknown-tag',
    severity: 'warning',
    message: `the tag \`${name}\` is not known here and is ignored`,
    span: toSpan(state, range),
  });
}

function convertReference(state: State, source: unknown, range: Range): Node {
  const span = toSpan(state, range);
  state.lastSize = 1;
  const path: string[] = [];
  const items = isSeq(source) ? source.items : [];
  for (const item of items) {
    const text = isScalar(item) ? convertScalar(state, item).text : '';
    if (text === '') {
      path.length = 0;
      break;
    }
    path.push(text);
  }
  state.lastSize = 1;
  if (path.length === 0) {
    const message = '`!reference` takes a list of names, as in `!reference [job, script]`';
    fail(state, 'syntax/bad-reference', message, span);
  }
  return { kind: 'reference', path, span };
}

function convertAlias(state: State, name: string, range: Range): Node {
  const anchored = state.anchors.get(name);
  if (anchored?.node !== undefined) {
    state.lastSize = anchored.size;
    return anchored.node;
  }
  const span = toSpan(state, range);
  if (anchored === undefined) {
    const hint = 'define it above with `&' + name + '`, or quote the value if it is meant as text';
    fail(state, 'syntax/unknown-anchor', `no anchor \`${name}\` comes before this alias`, span, hint);
  } else fail(state, 'syntax/alias-cycle', `the alias \`*${name}\` stands inside its own anchor`, span);
  return emptyNode(state, span.start);
}

function convertSeq(state: State, seq: YAMLSeq, depth: number): Node {
  const items: Node[] = [];
  let size = 1;
  for (const item of seq.items) {
    items.push(convert(state, item, depth));
    size += state.lastSize;
  }
  state.lastSize = size;
  const start = seq.range?.[0] ?? 0;
  const end = seq.flow ? seq.range?.[1] : items.at(-1)?.span.end;
  return { kind: 'seq', items, span: { file: state.file, start, end: Math.max(end ?? start, start) } };
}

function keyNode(state: State, key: unknown, depth: number): ScalarNode {
  const at = isAlias(key) || isMap(key) || isSeq(key) || isScalar(key) ? key.range : undefined;
  // A map or list as a key is refused whatever it holds: no need to read it.
  const node = isMap(key) || isSeq(key) ? undefined : convert(state, key, depth);
  if (node?.kind === 'scalar') return node;
  const span = toSpan(state, at);
  const braces = state.text.startsWith('{', span.start);
  fail(
    state,
    'syntax/bad-key',
    'a map or a list cannot be the key of a map',
    span,
    braces ? 'quote a value that starts with `{`' : undefined,
  );
  return emptyNode(state, span.start);
}

interface OpenMap {
  readonly entries: Map<string, MapEntry>;
  /** Keys that a merge brought, which an explicit key may still replace without being a duplicate. */
  merged: Set<string> | undefined;
  size: number;
}

function mergeMap(state: State, into: OpenMap, source: MapNode, mergeSpan: Span): void {
  for (const entry of source.entries.values()) {
    if (++state.mergedEntries > expansionLimit(state)) return;
    const present = into.entries.get(entry.key);
    if (present === undefined) {
      into.entries.set(entry.key, entry);
      into.merged ??= new Set();
      into.merged.add(entry.key);
    } else if (state.rules === 'yaml-1.1' && !into.merged?.has(entry.key) && present.value !== entry.value) {
      state.diagnostics.push({
        code: 'syntax/merge-order',
        severity: 'warning',
        message: `\`<<\` comes after \`${entry.key}\`, which it also sets: here the explicit value is kept, GitLab takes the merged one`,
        span: mergeSpan,
        hint: 'write `<<` as the first key of the map',
        related: [{ message: `\`${entry.key}\` is set here`, span: present.keySpan }],
      });
    }
  }
}

/** `<<: *a` or `<<: [*a, *b]`: https://yaml.org/type/merge.html */
function merge(state: State, into: OpenMap, value: Node, keySpan: Span): void {
  const sources = value.kind === 'seq' ? value.items : [value];
  for (const source of sources) {
    if (source.kind === 'map') mergeMap(state, into, source, keySpan);
    else if (!state.failed) {
      fail(state, 'syntax/bad-merge', '`<<` merges a map or a list of maps, and this is neither', keySpan);
    }
  }
}

function addEntry(state: State, into: OpenMap, key: ScalarNode, value: Node): void {
  const present = into.entries.get(key.text);
  if (present !== undefined && !into.merged?.delete(key.text)) {
    const before = lineOf(state, present.keySpan.start);
    const now = lineOf(state, key.span.start);
    state.diagnostics.push({
      code: 'syntax/duplicate-key',
      severity: 'warning',
      message: `the key \`${key.text}\` is set twice, in lines ${before} and ${now}; the last one counts`,
      span: key.span,
      related: [{ message: 'first set here', span: present.keySpan }],
    });
  }
  into.entries.set(key.text, { key: key.text, keySpan: key.span, value });
}

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.value === '<<' && key.type === 'PLAIN' && key.tag !== strTag;
}

function convertMap(state: State, map: YAMLMap, depth: number): Node {
  const open: OpenMap = { entries: new Map(), merged: undefined, size: 1 };
  let end = 0;
  for (const pair of map.items as Pair[]) {
    const key = keyNode(state, pair.key, depth);
    const value = pair.value === null ? emptyNode(state, key.span.end) : convert(state, pair.value, depth);
    open.size += 1 + state.lastSize;
    // An alias's node lies elsewhere in the file, so the end comes from the library's range.
    end = Math.max(key.span.end, isAlias(pair.value) ? (pair.value.range?.[1] ?? 0) : value.span.end);
    if (isMergeKey(pair.key)) merge(state, open, value, key.span);
    else addEntry(state, open, key, value);
  }
  state.lastSize = open.size;
  const start = map.range?.[0] ?? 0;
  const stop = map.flow ? (map.range?.[1] ?? end) : end;
  return { kind: 'map', entries: open.entries, span: { file: state.file, start, end: Math.max(start, stop) } };
}

function convertBare(state: State, source: unknown, depth: number): Node {
  if (isScalar(source)) return convertScalar(state, source);
  const isCollection = isMap(source) || isSeq(source);
  if (!isCollection) return emptyNode(state, 0);
  if (depth >= state.limits.maxDepth) {
    if (!state.failed) {
      fail(state, 'syntax/too-deep', `nested deeper than ${state.limits.maxDepth} levels`, toSpan(state, source.range));
    }
    return emptyNode(state, source.range?.[0] ?? 0);
  }
  return isMap(source) ? convertMap(state, source, depth + 1) : convertSeq(state, source, depth + 1);
}

function convert(state: State, source: unknown, depth: number): Node {
  state.sourceNodes++;
  if (isAlias(source)) return convertAlias(state, source.source, source.range);
  if (!isScalar(source) && !isMap(source) && !isSeq(source)) return emptyNode(state, 0);
  const { anchor, tag } = source;
  let anchored: Anchored | undefined;
  if (anchor !== undefined) {
    anchored = { node: undefined, size: 1 };
    state.anchors.set(anchor, anchored);
  }
  let node: Node;
  if (tag === '!reference') node = convertReference(state, source, source.range);
  else {
    if (tag !== undefined) checkTag(state, tag, source.range);
    node = convertBare(state, source, depth);
  }
  if (anchored !== undefined) {
    anchored.node = node;
    anchored.size = state.lastSize;
  }
  return node;
}

function expansionLimit(state: State): number {
  return state.limits.maxExpansion * state.sourceNodes + state.limits.maxExtraNodes;
}

/** Turns one parsed document into a node. No value when there was an error. */
export function convertDocument(document: Document, input: ConvertInput): Checked<Node> {
  const state: State = {
    ...input,
    diagnostics: [],
    anchors: new Map(),
    lines: undefined,
    failed: false,
    sourceNodes: 0,
    mergedEntries: 0,
    lastSize: 0,
  };
  const at = document.contents?.range?.[0] ?? document.range?.[0] ?? 0;
  const node = document.contents === null ? emptyNode(state, at) : convert(state, document.contents, 0);
  if (Math.max(state.lastSize, state.mergedEntries) > expansionLimit(state)) {
    const message = `aliases and merge keys blow ${state.sourceNodes} values up beyond ${expansionLimit(state)}`;
    const span = { file: input.file, start: at, end: at + 1 };
    fail(state, 'syntax/too-large', message, span);
  }
  return { value: state.failed ? undefined : node, diagnostics: state.diagnostics };
}
