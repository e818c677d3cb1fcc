import type { DiagnosticCode } from '../diagnostics/codes.ts';
import type { Diagnostic, Span } from '../diagnostics/diagnostic.ts';
import type { ParseLimits } from './limits.ts';
import { type LineIndex, lineIndex } from './line-index.ts';
import type { Node, ScalarNode } from './node.ts';
import type { ScalarRules } from './scalars.ts';

/** What turning the library's tree into nodes has to know. */
export interface ConvertInput {
  readonly file: string;
  readonly text: string;
  readonly rules: ScalarRules;
  readonly limits: ParseLimits;
}

/** A node under an anchor; `node` is undefined while it is still being read, so an alias to it is a cycle. */
export interface Anchored {
  node: Node | undefined;
  /** Nodes it stands for when written out. */
  size: number;
}

/** All that the walk over one document keeps. */
export interface State extends ConvertInput {
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

/** Start and end offset of a value, as the library gives them. */
export type Range = readonly [number, number, ...number[]] | null | undefined;

/** The library's range as a span. */
export function toSpan(state: State, range: Range): Span {
  return { file: state.file, start: range?.[0] ?? 0, end: range?.[1] ?? 0 };
}

/** Reports an error; the document will have no value. */
export function fail(state: State, code: DiagnosticCode, message: string, span: Span, hint?: string): void {
  state.failed = true;
  state.diagnostics.push({ code, severity: 'error', message, span, ...(hint === undefined ? {} : { hint }) });
}

/** The line, from 1, that an offset lies in. */
export function lineOf(state: State, offset: number): number {
  state.lines ??= lineIndex(state.text);
  return state.lines.position(offset).line;
}

/** A null of no extent. */
export function emptyNode(state: State, at: number): ScalarNode {
  state.lastSize = 1;
  return { kind: 'scalar', value: null, text: '', span: { file: state.file, start: at, end: at } };
}

/** How many nodes the document may stand for, by the nodes in its text so far. */
export function expansionLimit(state: State): number {
  return state.limits.maxExpansion * state.sourceNodes + state.limits.maxExtraNodes;
}
