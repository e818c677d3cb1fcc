import type { Span } from '../../../diagnostics/diagnostic.ts';
import type { Expression } from '../../../expressions/expression.ts';
import { parseExpression } from '../../../expressions/parse-expression.ts';
import { compileUserRegex, type UserRegex } from '../../../expressions/user-regex.ts';
import type { MapEntry, Node } from '../../../syntax/node.ts';
import { readExpression } from '../expression-check.ts';
import { isAbsent } from '../merge.ts';
import { invalidValue, type Reading } from '../reading.ts';
import { field, kindOf, readWord, textField } from '../values.ts';

const inputTypes = ['string', 'number', 'boolean', 'array'] as const;

/** What values an input takes. */
export type InputType = (typeof inputTypes)[number];

/** Options and default by condition; the first rule that matches counts. */
export interface InputRule {
  readonly span: Span;
  /** On other inputs. Absent: it always matches. */
  readonly condition?: Expression;
  readonly options?: readonly Node[];
  readonly default?: Node;
}

/** An input as `spec:inputs` or the `inputs` of a job declares it. */
export interface InputSpec {
  readonly name: string;
  readonly keySpan: Span;
  readonly type: InputType;
  /** Absent: the input is mandatory. May be null. */
  readonly default?: Node;
  readonly options?: readonly Node[];
  readonly regex?: UserRegex;
  readonly rules?: readonly InputRule[];
}

/**
 * The inputs that a map declares, in file order. Source: https://docs.gitlab.com/ci/yaml/#specinputs
 * @param scope a job's inputs have no rules, and each has a default.
 */
export function readInputSpecs(node: Node, scope: 'spec' | 'job', reading: Reading): readonly InputSpec[] {
  if (isAbsent(node)) return [];
  const what = scope === 'spec' ? 'spec:inputs' : 'inputs';
  if (node.kind !== 'map') {
    invalidValue(reading, node.span, `\`${what}\` must be a map of inputs, not ${kindOf(node)}`);
    return [];
  }
  return [...node.entries.values()].flatMap((entry) => readInputSpec(entry, what, scope, reading) ?? []);
}

function readInputSpec(entry: MapEntry, what: string, scope: 'spec' | 'job', reading: Reading): InputSpec | undefined {
  const { key: name, keySpan, value } = entry;
  const path = `${what}:${name}`;
  warnOfName(entry, reading);
  if (value.kind !== 'map') {
    if (scope === 'spec' && isAbsent(value)) return { name, keySpan, type: 'string' };
    invalidValue(reading, value.span, `\`${path}\` must be a map, not ${kindOf(value)}`);
    return undefined;
  }
  const written = field(value, 'type');
  const type = written ? readWord(written.value, `${path}:type`, inputTypes, reading) : 'string';
  if (type === undefined) return undefined;
  textField(value, 'description', `${path}:description`, reading);
  const options = readOptions(value, path, reading);
  if (options && type === 'boolean')
    tellSpec(reading, field(value, 'options')!.keySpan, `\`${path}\` is a boolean and has options`);
  const regex = readRegex(value, path, type, reading);
  const rules = scope === 'spec' ? field(value, 'rules') : undefined;
  const standard = value.entries.get('default')?.value;
  if (scope === 'job' && (standard === undefined || isAbsent(standard))) {
    tellSpec(reading, keySpan, `the input \`${name}\` of a job needs a default`);
    return undefined;
  }
  return {
    name,
    keySpan,
    type,
    ...(standard === undefined ? {} : { default: standard }),
    ...(options === undefined || type === 'boolean' ? {} : { options }),
    ...(regex === undefined ? {} : { regex }),
    ...(rules === undefined ? {} : { rules: readRules(rules.value, path, reading) }),
  };
}

/** A name that no block can reach. */
function warnOfName({ key, keySpan }: MapEntry, reading: Reading): void {
  if (!/[.|[]|\]\]|^\s|\s$|^$/.test(key)) return;
  const message = `no block can name the input \`${key}\``;
  const hint = 'use letters, digits, `_`, `-` and `/`';
  reading.report({ code: 'gitlab/input-spec', severity: 'warning', message, span: keySpan, hint });
}

/** Tells that an input is declared in a way that GitLab refuses. */
export function tellSpec(reading: Reading, span: Span, message: string, hint?: string): void {
  const more = hint === undefined ? {} : { hint };
  reading.report({ code: 'gitlab/input-spec', severity: 'error', message, span, ...more });
}

function readOptions(node: Node, path: string, reading: Reading): readonly Node[] | undefined {
  const entry = field(node, 'options');
  if (entry === undefined) return undefined;
  if (entry.value.kind === 'seq') return entry.value.items;
  invalidValue(reading, entry.value.span, `\`${path}:options\` must be a list, not ${kindOf(entry.value)}`);
  return undefined;
}

function readRegex(node: Node, path: string, type: InputType, reading: Reading): UserRegex | undefined {
  const entry = field(node, 'regex');
  const source = textField(node, 'regex', `${path}:regex`, reading);
  if (entry === undefined || source === undefined) return undefined;
  if (type !== 'string') {
    tellSpec(reading, entry.keySpan, `\`${path}\` has a \`regex\`, which only strings can have`);
    return undefined;
  }
  const regex = compileUserRegex(source);
  if (regex.kind === 'regex') return regex;
  reading.report({
    code: 'gitlab/regex',
    severity: 'error',
    message: `the regular expression of \`${path}:regex\` is not valid: ${regex.message}`,
    span: entry.value.span,
    hint: 'GitLab uses RE2: lookaheads and backreferences do not exist',
  });
  return undefined;
}

function readRules(node: Node, path: string, reading: Reading): readonly InputRule[] {
  if (node.kind !== 'seq') {
    invalidValue(reading, node.span, `\`${path}:rules\` must be a list, not ${kindOf(node)}`);
    return [];
  }
  return node.items.flatMap((item) => readInputRule(item, `${path}:rules`, reading) ?? []);
}

function readInputRule(node: Node, path: string, reading: Reading): InputRule | undefined {
  if (node.kind !== 'map') {
    invalidValue(reading, node.span, `an entry of \`${path}\` must be a map, not ${kindOf(node)}`);
    return undefined;
  }
  const condition = field(node, 'if');
  const options = readOptions(node, path, reading);
  const standard = node.entries.get('default')?.value;
  if (options === undefined && standard === undefined) {
    tellSpec(reading, node.span, `a rule of \`${path}\` has neither \`options\` nor \`default\``);
  }
  const text = condition && readExpression(condition.value, `${path}:if`, reading);
  if (condition !== undefined && text === undefined) return undefined;
  const parsed = text && parseExpression(text.value);
  return {
    span: node.span,
    ...(parsed?.ok ? { condition: parsed.value } : {}),
    ...(options === undefined ? {} : { options }),
    ...(standard === undefined ? {} : { default: standard }),
  };
}
