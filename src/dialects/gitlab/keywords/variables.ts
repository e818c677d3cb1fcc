import type { VariableDefinition } from '../../../model/variable.ts';
import type { MapEntry, MapNode, Node } from '../../../syntax/node.ts';
import type { Keyword } from '../keyword.ts';
import { invalidValue, type Reading } from '../reading.ts';
import { runs } from '../support.ts';
import { booleanField, field, kindOf, textField, textsField } from '../values.ts';

/** Variables of the file or of a job: plain values, or maps with `value`, `description`, `options`, `expand`. */
export const variables: Keyword<readonly VariableDefinition[]> = {
  name: 'variables',
  scopes: ['global', 'job'],
  parts: runs('value', 'description', 'options', 'expand'),
  partsAt: { job: runs('value', 'expand') },
  read: (entry, reading) => readVariables(entry.value, 'variables', reading),
};

/** Variables of any map: a service's, a rule's, a job's. */
export function readVariables(node: Node, what: string, reading: Reading): readonly VariableDefinition[] {
  if (node.kind !== 'map') {
    // An empty list is what is left of an empty hash in some generated files; GitLab takes it.
    if (node.kind !== 'seq' || node.items.length > 0) {
      invalidValue(reading, node.span, `\`${what}\` must be a map of names to values, not ${kindOf(node)}`);
    }
    return [];
  }
  return [...node.entries.values()].flatMap((entry) => readVariable(entry, what, reading) ?? []);
}

function readVariable(entry: MapEntry, what: string, reading: Reading): VariableDefinition | undefined {
  const { key: name, keySpan: span, value: node } = entry;
  if (node.kind === 'scalar') return { name, value: node.text, span };
  if (node.kind === 'map') return readDetailed(entry, node, what, reading);
  if (node.kind === 'reference') return undefined;
  invalidValue(reading, node.span, `\`${what}:${name}\` must be a string or number, not ${kindOf(node)}`);
  return undefined;
}

function readDetailed(entry: MapEntry, node: MapNode, what: string, reading: Reading): VariableDefinition {
  const path = `${what}:${entry.key}`;
  const value = textField(node, 'value', `${path}:value`, reading);
  const description = textField(node, 'description', `${path}:description`, reading);
  const options = textsField(node, 'options', `${path}:options`, reading);
  const expand = booleanField(node, 'expand', `${path}:expand`, reading);
  if (options !== undefined && value !== undefined && !options.includes(value)) {
    reading.report({
      code: 'gitlab/variable-options',
      severity: 'error',
      message: `the value \`${value}\` of the variable \`${entry.key}\` is not one of its options`,
      span: field(node, 'value')!.value.span,
      hint: `the options are ${options.map((option) => `\`${option}\``).join(', ')}`,
    });
  }
  return {
    name: entry.key,
    value: value ?? '',
    span: entry.keySpan,
    ...(expand === false ? { raw: true } : {}),
    ...(description === undefined ? {} : { description }),
    ...(options === undefined ? {} : { options }),
  };
}
