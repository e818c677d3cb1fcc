import type { Span } from '../../diagnostics/diagnostic.ts';
import type { MapEntry, MapNode, Node } from '../../syntax/node.ts';
import { interpolate } from './interpolate.ts';
import {
  entriesOf,
  field,
  itemsOf,
  kindOf,
  problem,
  type Reading,
  scalar,
  seq,
  suggestion,
  textOf,
} from './reading.ts';
import type { Scope } from './scope.ts';

const types = ['string', 'boolean', 'integer', 'enum', 'executor', 'steps', 'env_var_name'] as const;

/** What a parameter takes. Source: https://circleci.com/docs/guides/orchestrate/reusing-config/#parameter-types */
export type ParameterType = (typeof types)[number];

/** One parameter as an element or the pipeline declares it. */
export interface Declaration {
  readonly name: string;
  readonly type: ParameterType;
  /** Absent: it has to be given. */
  readonly default?: Node;
  /** With `enum`. */
  readonly options: readonly string[];
  readonly span: Span;
}

/** The parameters of one element, or of the pipeline, by name. */
export type Declarations = ReadonlyMap<string, Declaration>;

/** Which element calls which: for messages, `job \`build\``. */
export interface Call {
  readonly what: string;
  readonly span: Span;
  /** What defaults may name. */
  readonly scope: Scope;
}

/**
 * The parameters that an element declares; what is wrong with them is told.
 * @param level `pipeline`: those at the top of the file, which all need a default and know fewer types.
 */
export function readDeclarations(element: MapNode, level: 'element' | 'pipeline', reading: Reading): Declarations {
  const section = field(element, 'parameters');
  const declared = new Map<string, Declaration>();
  if (section === undefined) return declared;
  if (section.value.kind !== 'map') {
    problem(
      reading,
      'circle/wrong-type',
      section.value.span,
      `\`parameters\` must be a map, not ${kindOf(section.value)}`,
    );
    return declared;
  }
  for (const each of section.value.entries.values()) {
    const declaration = readDeclaration(each, level, reading);
    if (declaration) declared.set(each.key, declaration);
  }
  return declared;
}

function readDeclaration(each: MapEntry, level: 'element' | 'pipeline', reading: Reading): Declaration | undefined {
  const { key: name, keySpan: span, value } = each;
  if (!/^[a-zA-Z][\w-]*$/.test(name)) {
    const hint = 'start with a letter; letters, digits, `_` and `-` may follow';
    problem(reading, 'circle/parameter', span, `\`${name}\` is no name of a parameter`, { hint });
    return undefined;
  }
  const written = field(value, 'type');
  const type = types.find((known) => known === textOf(written?.value));
  const allowed = level === 'element' ? types : types.slice(0, 4);
  if (type === undefined || !allowed.includes(type)) {
    const at = written?.value.span ?? span;
    const hint = `a type is one of ${allowed.join(', ')}`;
    problem(reading, 'circle/parameter', at, `the parameter \`${name}\` has no type that is known here`, { hint });
    return undefined;
  }
  const options = itemsOf(field(value, 'enum')?.value).flatMap((item) => textOf(item) ?? []);
  if (type === 'enum' && options.length === 0) {
    problem(reading, 'circle/parameter', span, `the parameter \`${name}\` lists no values under \`enum\``);
    return undefined;
  }
  const preset = value.kind === 'map' ? value.entries.get('default')?.value : undefined;
  const declaration: Declaration = { name, type, options, span, ...(preset === undefined ? {} : { default: preset }) };
  if (preset === undefined && level === 'pipeline') {
    problem(reading, 'circle/parameter', span, `the pipeline's parameter \`${name}\` needs a \`default\``);
  }
  if (preset !== undefined) checkArgument(declaration, preset, `the default of \`${name}\``, reading);
  return declaration;
}

/**
 * Every declared parameter with the value that it was given or its default.
 * @param given by name; what is not declared is told.
 */
export function bindArguments(
  declared: Declarations,
  given: ReadonlyMap<string, MapEntry>,
  call: Call,
  reading: Reading,
): ReadonlyMap<string, Node> {
  const bound = new Map<string, Node>();
  for (const each of given.values()) {
    if (declared.has(each.key)) continue;
    const hint = suggestion(reading, each.key, () => declared.keys());
    const message = `${call.what} has no parameter \`${each.key}\``;
    problem(reading, 'circle/unexpected-argument', each.keySpan, message, hint === undefined ? {} : { hint });
  }
  for (const declaration of declared.values()) {
    const argument = given.get(declaration.name);
    if (argument !== undefined) {
      checkArgument(declaration, argument.value, `\`${declaration.name}\``, reading);
      bound.set(declaration.name, settled(declaration, argument.value));
    } else if (declaration.default !== undefined) {
      bound.set(declaration.name, defaultOf(declaration, declaration.default, call, reading));
    } else {
      const related = [{ message: 'it is declared here, without a default', span: declaration.span }];
      const message = `${call.what} wants the parameter \`${declaration.name}\``;
      problem(reading, 'circle/missing-argument', call.span, message, { related });
      // Said once is enough: where it is used nothing more is.
      bound.set(declaration.name, declaration.type === 'steps' ? seq([], call.span) : scalar('', call.span));
    }
  }
  return bound;
}

/** A default may name values of the pipeline. */
function defaultOf(declaration: Declaration, written: Node, { scope }: Call, reading: Reading): Node {
  if (declaration.type === 'steps') return written;
  const value = interpolate(written, scope, reading);
  if (value !== written) checkArgument(declaration, value, `the default of \`${declaration.name}\``, reading);
  return settled(declaration, value);
}

const trueWords: ReadonlySet<string> = new Set(['true', 'yes', 'on', 'y']);
const falseWords: ReadonlySet<string> = new Set(['false', 'no', 'off', 'n']);

/** YAML 1.1's words are booleans where a boolean is wanted, and text elsewhere. */
export function booleanOf(node: Node | undefined): boolean | undefined {
  if (node?.kind !== 'scalar') return undefined;
  if (typeof node.value === 'boolean') return node.value;
  const word = typeof node.value === 'string' ? node.value.toLowerCase() : '';
  return trueWords.has(word) ? true : falseWords.has(word) ? false : undefined;
}

function settled({ type }: Declaration, node: Node): Node {
  if (type === 'boolean') {
    const value = booleanOf(node);
    return value === undefined ? node : scalar(value, node.span);
  }
  if (type === 'string' && node.kind === 'scalar') return scalar(node.text, node.span);
  return node;
}

function checkArgument(declaration: Declaration, node: Node, what: string, reading: Reading): void {
  // What holds a tag is judged when that is filled in.
  if (node.kind === 'scalar' && node.text.includes('<<')) return;
  if (fits(declaration, node)) return;
  const wanted = typeName(declaration);
  const related = [{ message: 'declared here', span: declaration.span }];
  problem(reading, 'circle/wrong-type', node.span, `${what} must be ${wanted}, not ${kindOf(node)}`, { related });
}

/** What a parameter takes, for messages. */
export function typeName({ type, options }: Declaration): string {
  return type === 'enum' ? `one of ${options.join(', ')}` : typeNames[type];
}

const typeNames: Readonly<Record<Exclude<ParameterType, 'enum'>, string>> = {
  string: 'a text',
  boolean: '`true` or `false`',
  integer: 'a whole number',
  executor: "an executor's name or a map with `name`",
  steps: 'a list of steps',
  env_var_name: 'the name of an environment variable',
};

function fits({ type, options }: Declaration, node: Node): boolean {
  switch (type) {
    case 'string':
      // The service is lenient about numbers, and about nothing, which is the empty text.
      return node.kind === 'scalar' && typeof node.value !== 'boolean';
    case 'boolean':
      return booleanOf(node) !== undefined;
    case 'integer':
      return node.kind === 'scalar' && Number.isInteger(node.value);
    case 'enum':
      return node.kind === 'scalar' && options.includes(node.text);
    case 'executor':
      return textOf(node.kind === 'map' ? field(node, 'name')?.value : node) !== undefined;
    case 'steps':
      return node.kind === 'seq';
    case 'env_var_name':
      return /^[A-Za-z_]\w*$/.test(textOf(node) ?? '');
  }
}

/** The arguments of a call: all keys of a map that are not the call's own. */
export function argumentsOf(node: Node | undefined, notArguments?: ReadonlySet<string>): ReadonlyMap<string, MapEntry> {
  return new Map(entriesOf(node).flatMap((each) => (notArguments?.has(each.key) ? [] : [[each.key, each] as const])));
}
