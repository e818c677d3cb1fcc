import type { VariableDefinition } from '../../model/variable.ts';
import type { MapEntry, Node, ScalarNode } from '../../syntax/node.ts';
import { entriesOf, kindOf, problem, type Reading } from './reading.ts';

/**
 * The variables of an `environment`: a map, or a list of maps and of texts `NAME=value`. CircleCI expands nothing in them.
 * Source: https://circleci.com/docs/reference/configuration-reference/#environment
 */
export function readEnvironment({ key, value }: MapEntry, reading: Reading): readonly VariableDefinition[] {
  if (value.kind !== 'map' && value.kind !== 'seq') {
    problem(reading, 'circle/wrong-type', value.span, `\`${key}\` must be a map of variables, not ${kindOf(value)}`);
    return [];
  }
  const parts: readonly Node[] = value.kind === 'seq' ? value.items : [value];
  return parts.flatMap((part) =>
    part.kind === 'scalar' ? readText(part) : entriesOf(part).flatMap((each) => readVariable(each, reading)),
  );
}

function readText({ text, span }: ScalarNode): readonly VariableDefinition[] {
  const split = text.indexOf('=');
  return split <= 0 ? [] : [{ name: text.slice(0, split), value: text.slice(split + 1), raw: true, span }];
}

function readVariable({ key: name, keySpan, value }: MapEntry, reading: Reading): readonly VariableDefinition[] {
  if (value.kind !== 'scalar') {
    problem(reading, 'circle/wrong-type', value.span, `the variable \`${name}\` must be a text, not ${kindOf(value)}`);
    return [];
  }
  return [{ name, value: value.text, raw: true, span: keySpan }];
}
