import type { Span, Spanned } from '../../diagnostics/diagnostic.ts';
import type { PolicyPart, RefPolicy } from '../../model/pipeline.ts';
import type { MapEntry, MapNode, Node } from '../../syntax/node.ts';
import { readExpression, readRegex } from './expression-check.ts';
import { type Keyword, take } from './keyword.ts';
import { isAbsent } from './merge.ts';
import { invalidValue, type Reading } from './reading.ts';
import { ignored, runs } from './support.ts';
import { field, flatItems, kindOf, readTexts, readWord } from './values.ts';

const withoutCluster = {
  only: 'there is no cluster here, so the job is left out',
  except: 'there is no cluster here, so the job is not left out for it',
} as const;

/** The keyword `only` or `except`. */
export function policyKeyword(name: 'only' | 'except'): Keyword<PolicyPart> {
  const parts = { ...runs('refs', 'variables', 'changes'), kubernetes: ignored(withoutCluster[name]) };
  return { name, scopes: ['job'], parts, read: (entry, reading) => readPart(name, entry, reading) };
}

/** What a job gets that does not say for which refs it is. */
export interface AssumedRefs {
  /** For an `only` without `refs`. Absent: any. */
  readonly withOnly?: readonly string[];
  /** For a job with neither `rules` nor `only`. Absent: any. */
  readonly withoutOnly?: readonly string[];
}

/** `only` and `except` of a job with what is taken for granted; undefined: it is in every pipeline, or has rules. */
export function readRefPolicy(
  job: { readonly node: MapNode; readonly span: Span },
  keywords: { readonly only: Keyword<PolicyPart>; readonly except: Keyword<PolicyPart> },
  assumed: AssumedRefs,
  reading: Reading,
): RefPolicy | undefined {
  const { node, span } = job;
  const written = take(node, keywords.only, reading);
  const except = take(node, keywords.except, reading);
  if (field(node, 'rules')) return undefined;
  const only = written ? withRefs(written, assumed.withOnly) : assumedOnly(span, assumed.withoutOnly);
  if (!only && !except) return undefined;
  return { ...(only ? { only } : {}), ...(except ? { except } : {}) };
}

function withRefs(part: PolicyPart, refs: readonly string[] | undefined): PolicyPart {
  return part.refs === undefined && refs !== undefined ? { ...part, refs } : part;
}

function assumedOnly(span: Span, refs: readonly string[] | undefined): PolicyPart | undefined {
  return refs && { span, refs, assumed: true };
}

function readPart(name: 'only' | 'except', { value, keySpan }: MapEntry, reading: Reading): PolicyPart | undefined {
  if (value.kind === 'seq') return { span: keySpan, refs: readRefs(value, name, reading) };
  if (value.kind !== 'map' || value.entries.size === 0) {
    const found = value.kind === 'map' ? 'an empty map' : kindOf(value);
    invalidValue(reading, value.span, `\`${name}\` must be a list of refs or a map, not ${found}`);
    return undefined;
  }
  const refs = field(value, 'refs');
  const variables = field(value, 'variables');
  const changes = field(value, 'changes');
  const kubernetes = field(value, 'kubernetes');
  const active = kubernetes && readWord(kubernetes.value, `${name}:kubernetes`, ['active'] as const, reading);
  return {
    span: keySpan,
    ...(refs ? { refs: readRefs(refs.value, `${name}:refs`, reading) } : {}),
    ...(variables ? { variables: readExpressions(variables.value, `${name}:variables`, reading) } : {}),
    ...(changes
      ? { changes: { paths: readTexts(changes.value, `${name}:changes`, reading), span: changes.value.span } }
      : {}),
    ...(active ? { kubernetes: active } : {}),
  };
}

function readRefs(node: Node, what: string, reading: Reading): readonly string[] {
  for (const item of flatItems(node, what, reading)) {
    // Other texts with slashes are names, as on GitLab.
    if (item.kind === 'scalar' && /^\/.*\/[ismU]*$/.test(item.text)) readRegex(item, what, reading);
  }
  return readTexts(node, what, reading);
}

function readExpressions(node: Node, what: string, reading: Reading): readonly Spanned<string>[] {
  return flatItems(node, what, reading).flatMap((item) =>
    isAbsent(item) ? [] : (readExpression(item, what, reading) ?? []),
  );
}
