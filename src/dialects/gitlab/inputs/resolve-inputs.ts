import type { Diagnostic } from '../../../diagnostics/diagnostic.ts';
import { evaluateExpression } from '../../../expressions/evaluate-expression.ts';
import type { Node } from '../../../syntax/node.ts';
import { suggester } from '../../../util/nearest.ts';
import { checkInput } from './check-input.ts';
import type { GivenInput, InputSource } from './given-inputs.ts';
import type { InputRule, InputSpec } from './input-spec.ts';
import { textNode } from './plain-node.ts';

/**
 * The value of each input: what is given, else the default, of the first rule that matches where there are rules.
 * Rules see given values, and inputs that are declared before theirs. All mistakes are told.
 * Source: lib/ci/inputs/builder.rb
 * @returns undefined when there is any mistake.
 */
export function resolveInputs(
  specs: readonly InputSpec[],
  given: ReadonlyMap<string, GivenInput>,
  source: InputSource,
): ReadonlyMap<string, Node> | undefined {
  let failed = tellUnknown(specs, given, source);
  const values = new Map<string, Node>();
  const early = givenValues(specs, given);
  for (const spec of specs) {
    const rule = spec.rules && matchingRule(spec.rules, (name) => values.get(name) ?? early.get(name));
    const value = resolveInput(spec, given.get(spec.name), rule, source);
    if (value === undefined) failed = true;
    else values.set(spec.name, value);
  }
  return failed ? undefined : values;
}

function resolveInput(
  spec: InputSpec,
  input: GivenInput | undefined,
  rule: InputRule | undefined,
  source: InputSource,
): Node | undefined {
  const options = rule?.options ?? spec.options;
  const ruled = rule?.default ?? spec.default;
  const hasDefault = ruled !== undefined || hasDefaultByRules(spec);
  if (input === undefined && !hasDefault) {
    tellMissing(spec, source);
    return undefined;
  }
  // A wrong default is a mistake even where a value is given.
  const fallback = ruled && checkInput(spec, { kind: 'default', node: ruled }, options, source);
  if (ruled !== undefined && fallback === undefined) return undefined;
  if (input !== undefined) return checkInput(spec, input, options, source);
  if (fallback !== undefined) return fallback;
  return checkInput(spec, { kind: 'default', node: textNode('', spec.keySpan) }, options, source);
}

/** Where a rule may give a default, GitLab takes the input for optional, whichever rule matches. */
function hasDefaultByRules({ rules = [] }: InputSpec): boolean {
  return rules.some((rule) => rule.default !== undefined || rule.condition === undefined);
}

function matchingRule(rules: readonly InputRule[], value: (name: string) => Node | undefined): InputRule | undefined {
  const input = (name: string): string | number | boolean | undefined => {
    const node = value(name);
    return node?.kind === 'scalar' ? (node.value ?? undefined) : undefined;
  };
  const variable = (): undefined => undefined;
  return rules.find(({ condition }) => !condition || evaluateExpression(condition, { variable, input }).result);
}

/** What is given, for rules of inputs that are declared before; what is wrong is told later. */
function givenValues(specs: readonly InputSpec[], given: ReadonlyMap<string, GivenInput>): ReadonlyMap<string, Node> {
  const values = new Map<string, Node>();
  for (const spec of specs) {
    const input = given.get(spec.name);
    const node = input && checkInput(spec, input, undefined, { report: () => {}, path: '' });
    if (node) values.set(spec.name, node);
  }
  return values;
}

function tellUnknown(
  specs: readonly InputSpec[],
  given: ReadonlyMap<string, GivenInput>,
  { report, path }: InputSource,
): boolean {
  const names = new Set(specs.map(({ name }) => name));
  const suggest = suggester(() => names);
  let any = false;
  for (const [name, input] of given) {
    if (names.has(name)) continue;
    any = true;
    const hint = suggest(name) ?? (names.size === 0 ? undefined : `there are ${listNames(names)}`);
    report({ ...unknownInput(name, input, path), ...(hint === undefined ? {} : { hint }) });
  }
  return any;
}

/** A value is given for an input that the file does not declare. */
export function unknownInput(name: string, input: GivenInput, path: string): Diagnostic {
  const code = 'gitlab/input-unknown';
  const severity = 'error';
  if (input.kind === 'text') {
    const message = `\`--input ${name}\` names no input of \`${path}\``;
    return { code, severity, message, blames: 'command-line' };
  }
  return { code, severity, message: `\`${path}\` declares no input \`${name}\``, span: input.keySpan };
}

function listNames(names: ReadonlySet<string>): string {
  const listed = [...names].slice(0, 10).map((name) => `\`${name}\``);
  return names.size > listed.length ? `${listed.join(', ')} and others` : listed.join(', ');
}

function tellMissing({ name, keySpan }: InputSpec, { report, includedAt }: InputSource): void {
  const message = `the input \`${name}\` has no value`;
  if (includedAt === undefined) {
    const hint = `give it by \`--input ${name}=VALUE\`, or declare a \`default\``;
    report({ code: 'gitlab/input-missing', severity: 'error', message, span: keySpan, hint });
    return;
  }
  report({
    code: 'gitlab/input-missing',
    severity: 'error',
    message,
    span: includedAt,
    hint: `give it below \`inputs\` here, or declare a \`default\` there`,
    related: [{ message: `\`${name}\` is declared without a default`, span: keySpan }],
  });
}
