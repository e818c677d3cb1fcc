import type { DiagnosticCode } from '../diagnostics/codes.ts';
import type { Diagnostic, Span } from '../diagnostics/diagnostic.ts';
import { didYouMean } from '../util/nearest.ts';
import { expectedPhrases, knownKeys } from './generated/validators.js';
import type { Node } from './node.ts';
import { type Finding, nodeAt } from './schema-findings.ts';

/** What a validated value is part of. */
export interface Subject {
  /** Goes in front of each message: "job `build`: ", or nothing. */
  readonly prefix: string;
  /** Keywords that lead to the value: none for a job, the keyword itself for a global one. */
  readonly path: readonly string[];
  readonly node: Node;
  /** Where the value's own key stands. */
  readonly keySpan: Span;
}

interface Told {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly span?: Span;
  readonly hint?: string | undefined;
}

const typePhrases: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  integer: 'a whole number',
  boolean: '`true` or `false`',
  array: 'a list',
  object: 'a map',
  null: 'empty',
};

function isIndex(part: string | undefined): boolean {
  return part !== undefined && /^\d+$/.test(part);
}

/** "`image:name`", "an item of `script`", "the job". */
function placeName(subject: Subject, path: readonly string[]): string {
  const keys = [...subject.path, ...path].filter((part) => !isIndex(part));
  if (keys.length === 0) return 'the job';
  const name = `\`${keys.join(':')}\``;
  return isIndex(path.at(-1)) ? `an item of ${name}` : name;
}

function enumerate(words: readonly string[], conjunction: 'and' | 'or' = 'or'): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} ${conjunction} ${last}`;
}

function ticked(values: readonly unknown[], conjunction: 'and' | 'or' = 'or'): string {
  return enumerate(
    values.map((value) => `\`${String(value)}\``),
    conjunction,
  );
}

/** "known are `a` and `b`", unless there are too many to read. */
function listed(intro: string, values: readonly unknown[], conjunction: 'and' | 'or'): string | undefined {
  return values.length === 0 || values.length > 13 ? undefined : `${intro} ${ticked(values, conjunction)}`;
}

function expectedPhrase(finding: Finding): string {
  const phrase = expectedPhrases[finding.definition];
  if (phrase !== undefined) return phrase;
  const { type } = finding.params;
  const types = Array.isArray(type) ? type : [type];
  return enumerate([...new Set(types.map((name) => typePhrases[String(name)] ?? String(name)))]);
}

function typeHint(node: Node | undefined, expected: string, isItem: boolean): string | undefined {
  if (node === undefined) return undefined;
  const wantsText = /string|path|name|command|regular expression/.test(expected);
  if (node.kind === 'scalar' && node.value !== null && typeof node.value !== 'string') {
    return wantsText ? `write it in quotes: "${node.text}"` : undefined;
  }
  if (node.kind === 'map' && wantsText && isItem)
    return 'a plain value cannot hold `: `: put it in quotes if it is meant as text';
  const numberOrWord = node.kind === 'scalar' && /^(?:\d+|true|false)$/.test(node.text);
  return numberOrWord && !wantsText && /number|true|[0-9]/.test(expected) ? 'write it without quotes' : undefined;
}

function tellType(finding: Finding, name: string, node: Node | undefined): Told {
  const expected = expectedPhrase(finding);
  const isEmpty = node?.kind === 'scalar' && node.value === null;
  const message = isEmpty ? `${name} is empty, it must be ${expected}` : `${name} must be ${expected}`;
  return { code: 'schema/wrong-type', message, hint: typeHint(node, expected, isIndex(finding.path.at(-1))) };
}

function tellEnum(finding: Finding, name: string, node: Node | undefined): Told {
  const allowed = (finding.params['allowedValues'] as readonly unknown[] | undefined) ?? [];
  if (node?.kind !== 'scalar' || typeof node.value !== 'string') {
    return { code: 'schema/wrong-type', message: `${name} must be ${ticked(allowed)}` };
  }
  const hint = didYouMean(node.value, allowed.map(String)) ?? listed('allowed are', allowed, 'and');
  return { code: 'schema/not-allowed-value', message: `${name} cannot be \`${node.value}\``, hint };
}

function tellUnknownKey(finding: Finding, subject: Subject, node: Node | undefined): Told {
  const key = String(finding.params['additionalProperty']);
  const known = knownKeys[finding.definition] ?? [];
  const inside = finding.path.length + subject.path.length > 0;
  const where = inside ? ` in ${placeName(subject, finding.path)}` : '';
  const hint = didYouMean(key, known) ?? listed('known are', known, 'and');
  const keySpan = node?.kind === 'map' ? node.entries.get(key)?.keySpan : undefined;
  return {
    code: 'schema/unknown-key',
    message: `unknown key \`${key}\`${where}`,
    hint,
    ...(keySpan === undefined ? {} : { span: keySpan }),
  };
}

/** The span of the key that holds the value at `path`: that is where a missing key is told. */
function holderSpan(subject: Subject, path: readonly string[]): Span {
  const last = path.at(-1);
  if (last === undefined) return subject.keySpan;
  const holder = nodeAt(subject.node, path.slice(0, -1));
  const keySpan = holder?.kind === 'map' ? holder.entries.get(last)?.keySpan : undefined;
  return keySpan ?? nodeAt(subject.node, path)?.span ?? subject.keySpan;
}

function tellMissing(finding: Finding, subject: Subject, name: string): Told {
  const { params } = finding;
  const key = holderSpan(subject, finding.path);
  const value = nodeAt(subject.node, finding.path)?.span;
  // From the key on, over the whole map: that is what lacks something. An anchor's map may lie elsewhere.
  const span = value?.file === key.file && value.end > key.end ? { ...key, end: value.end } : key;
  if (finding.keyword === 'required-any') {
    return {
      code: 'schema/missing-key',
      message: `${name} needs ${ticked((params['keys'] as readonly unknown[]) ?? [])}`,
      span,
    };
  }
  const missing = `\`${String(params['missingProperty'])}\``;
  if (finding.keyword === 'dependencies') {
    return {
      code: 'schema/missing-key',
      message: `${name} with \`${String(params['property'])}\` also needs ${missing}`,
      span,
    };
  }
  return { code: 'schema/missing-key', message: `${name} needs ${missing}`, span };
}

function tellSize(finding: Finding, name: string, node: Node | undefined): Told {
  const limit = Number(finding.params['limit']);
  const count = node?.kind === 'seq' ? node.items.length : node?.kind === 'map' ? node.entries.size : 0;
  if (finding.keyword.startsWith('max')) {
    return {
      code: 'schema/too-many',
      message: `${name} holds ${count} entries, at most ${limit} ${limit === 1 ? 'is' : 'are'} allowed`,
    };
  }
  // No schema of ours asks for more than one entry.
  return { code: 'schema/empty', message: `${name} must not be empty` };
}

/** The key that rules this one out: the schema says it as a dependency of that key. */
function excludingKey(finding: Finding): string {
  return /\/dependencies\/([^/]+)\/properties\//.exec(finding.definition)?.[1] ?? 'the other keys';
}

function tell(finding: Finding, subject: Subject): Told {
  const node = nodeAt(subject.node, finding.path);
  const name = placeName(subject, finding.path);
  const limit = String(finding.params['limit']);
  switch (finding.keyword) {
    case 'type':
      return tellType(finding, name, node);
    case 'enum':
      return tellEnum(finding, name, node);
    case 'additionalProperties':
      return tellUnknownKey(finding, subject, node);
    case 'required':
    case 'required-any':
    case 'dependencies':
      return tellMissing(finding, subject, name);
    case 'pattern':
      return {
        code: 'schema/pattern',
        message: `${name} must be ${expectedPhrases[finding.definition] ?? 'of another form'}`,
      };
    case 'minLength':
      return { code: 'schema/empty', message: `${name} must not be empty` };
    case 'maxLength':
      return { code: 'schema/too-long', message: `${name} is longer than ${limit} characters` };
    case 'minimum':
      return { code: 'schema/out-of-range', message: `${name} must be at least ${limit}` };
    case 'maximum':
      return { code: 'schema/out-of-range', message: `${name} must be at most ${limit}` };
    case 'uniqueItems':
      return { code: 'schema/duplicate-item', message: `${name} holds the same value twice` };
    case 'false schema': {
      const message = `${name} cannot be combined with \`${excludingKey(finding)}\``;
      return { code: 'schema/not-together', message, span: holderSpan(subject, finding.path) };
    }
    default:
      return tellSize(finding, name, node);
  }
}

/** One finding as a diagnostic in the user's words, at the key or value that it is about. */
export function describeFinding(finding: Finding, subject: Subject): Diagnostic {
  const { code, message, span, hint } = tell(finding, subject);
  const place = span ?? nodeAt(subject.node, finding.path)?.span ?? subject.keySpan;
  // An empty value has no extent to underline: its key is shown.
  const shown = place.end > place.start ? place : holderSpan(subject, finding.path);
  return {
    code,
    severity: 'error',
    message: subject.prefix + message,
    span: shown,
    ...(hint === undefined ? {} : { hint }),
  };
}
