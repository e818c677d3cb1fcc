import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { didYouMean } from '../util/nearest.ts';
import { type DialectValidators, type Validator, validators } from './generated/validators.js';
import { type MapEntry, type MapNode, type Node, toValue } from './node.ts';
import { type Finding, nodeAt, reduceErrors } from './schema-findings.ts';
import { describeFinding, type Subject } from './schema-messages.ts';

/** A language that has a schema: `ci` is GitLab's vocabulary, with `jobs` and `steps` as well. */
export type SchemaName = 'gitlab' | 'ci';

function isNull(node: Node): boolean {
  return node.kind === 'scalar' && node.value === null;
}

/** The map without its keys that have no value: GitLab takes those as not set. */
function withoutNulls(map: MapNode): MapNode {
  const kept = [...map.entries].filter(([, entry]) => !isNull(entry.value));
  return kept.length === map.entries.size ? map : { ...map, entries: new Map(kept) };
}

function emptyValue(entry: MapEntry, prefix: string): Diagnostic {
  const message = `${prefix}\`${entry.key}\` has no value and counts as not set`;
  return { code: 'schema/empty-value', severity: 'warning', message, span: entry.keySpan };
}

/** What a job lacks or switches off may come from the job that it extends: only lists replace those as a whole. */
function isSettledByParent(finding: Finding, node: Node): boolean {
  if (finding.path.some((_, index) => nodeAt(node, finding.path.slice(0, index))?.kind === 'seq')) {
    return false;
  }
  switch (finding.keyword) {
    case 'required':
    case 'required-any':
    case 'dependencies':
    case 'minProperties':
      return true;
    default: {
      const value = nodeAt(node, finding.path);
      return value !== undefined && isNull(value);
    }
  }
}

function check(validator: Validator, subject: Subject, extendsOthers: (finding: Finding) => boolean): Diagnostic[] {
  if (validator(toValue(subject.node))) return [];
  const findings = reduceErrors(validator.errors ?? [], subject.node).filter((finding) => !extendsOthers(finding));
  const seen = new Set<string>();
  const diagnostics: Diagnostic[] = [];
  for (const finding of findings) {
    const diagnostic = describeFinding(finding, subject);
    const identity = `${diagnostic.span?.start}:${diagnostic.message}`;
    if (seen.has(identity)) continue;
    seen.add(identity);
    diagnostics.push(diagnostic);
  }
  return diagnostics;
}

const never = (): boolean => false;

function validateJob(entry: MapEntry, dialect: DialectValidators): Diagnostic[] {
  const { value } = entry;
  if (value.kind === 'reference' || entry.key.startsWith('.')) return [];
  const prefix = `job \`${entry.key}\`: `;
  if (value.kind !== 'map') {
    const hint = didYouMean(entry.key, Object.keys(dialect.keywords));
    const message = `job \`${entry.key}\` must be a map with \`script\`, \`run\` or \`trigger\``;
    return [
      {
        code: 'schema/wrong-type',
        severity: 'error',
        message,
        span: entry.keySpan,
        ...(hint === undefined ? {} : { hint }),
      },
    ];
  }
  const node = withoutNulls(value);
  const extendsOthers = node.entries.has('extends');
  const diagnostics = check(dialect.job, { prefix, path: [], node, keySpan: entry.keySpan }, (finding) =>
    extendsOthers ? isSettledByParent(finding, node) : false,
  );
  if (node !== value && !extendsOthers) {
    for (const inner of value.entries.values()) {
      // `rules: null` is how GitLab's documentation takes rules away.
      if (isNull(inner.value) && inner.key !== 'rules') diagnostics.push(emptyValue(inner, prefix));
    }
  }
  return diagnostics;
}

function validateKeyword(entry: MapEntry, validator: Validator): Diagnostic[] {
  if (isNull(entry.value)) return entry.key === 'spec' ? [] : [emptyValue(entry, '')];
  const node = entry.key === 'default' && entry.value.kind === 'map' ? withoutNulls(entry.value) : entry.value;
  return check(validator, { prefix: '', path: [entry.key], node, keySpan: entry.keySpan }, never);
}

function validateEntry(entry: MapEntry, dialect: DialectValidators): Diagnostic[] {
  if (entry.key.startsWith('.')) return [];
  const validator = Object.hasOwn(dialect.keywords, entry.key) ? dialect.keywords[entry.key] : undefined;
  if (validator === undefined) return validateJob(entry, dialect);
  if (entry.key === 'jobs' && entry.value.kind === 'map') {
    return [...entry.value.entries.values()].flatMap((job) => validateJob(job, dialect));
  }
  return validateKeyword(entry, validator);
}

/**
 * Checks one document (as it stands in its file, before includes and `extends`) against the schema of its language.
 * Each entry of the document is checked by itself, so every message points at its own key or value.
 * That a job has something to run is not asked here: it may get it from a job that it extends.
 * @returns nothing for a document that is no map: what that means is the dialect's to say.
 */
export function validateSchema(node: Node, schema: SchemaName): readonly Diagnostic[] {
  if (node.kind !== 'map') return [];
  const diagnostics: Diagnostic[] = [];
  for (const entry of node.entries.values()) {
    diagnostics.push(...validateEntry(entry, validators[schema]));
  }
  return diagnostics;
}

/**
 * Checks the sections of a document that a schema knows; what else stands at the top is nobody's business, as on
 * CircleCI, where anchors lie there.
 */
export function validateSections(node: MapNode, { keywords }: DialectValidators): readonly Diagnostic[] {
  return [...node.entries.values()].flatMap((entry) => {
    const validator = Object.hasOwn(keywords, entry.key) ? keywords[entry.key] : undefined;
    if (validator === undefined || isNull(entry.value)) return [];
    return check(validator, { prefix: '', path: [entry.key], node: entry.value, keySpan: entry.keySpan }, never);
  });
}
