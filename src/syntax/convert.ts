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
import type { Checked } from '../diagnostics/diagnostic.ts';
import {
  type Anchored,
  type ConvertInput,
  emptyNode,
  expansionLimit,
  fail,
  type Range,
  type State,
  toSpan,
} from './convert-state.ts';
import type { Node, ScalarNode } from './node.ts';
import { addEntry, mergeInto, type OpenMap } from './open-map.ts';
import { plainScalarText, readPlainScalar } from './scalars.ts';

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
  // An alias's node lies elsewhere in the file, so the end comes from the library's range.
  const last = seq.items.at(-1);
  const end = seq.flow ? seq.range?.[1] : isAlias(last) ? last.range?.[1] : items.at(-1)?.span.end;
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

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.value === '<<' && key.type === 'PLAIN' && key.tag !== strTag;
}

function convertMap(state: State, map: YAMLMap, depth: number): Node {
  const open: OpenMap = { entries: new Map(), merged: undefined, merges: 0, size: 1 };
  let end = 0;
  for (const pair of map.items as Pair[]) {
    const key = keyNode(state, pair.key, depth);
    const value = pair.value === null ? emptyNode(state, key.span.end) : convert(state, pair.value, depth);
    open.size += 1 + state.lastSize;
    end = Math.max(key.span.end, isAlias(pair.value) ? (pair.value.range?.[1] ?? 0) : value.span.end);
    if (isMergeKey(pair.key)) mergeInto(state, open, value, key.span);
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
