import type { MapEntry, Node } from '../../syntax/node.ts';
import { toValue } from '../../syntax/node.ts';
import { interpolate } from './interpolate.ts';
import { entriesOf, field, itemsOf, kindOf, problem, type Reading } from './reading.ts';
import type { Scope } from './scope.ts';

/** One combination of a matrix's values. */
export interface Leg {
  readonly values: ReadonlyMap<string, Node>;
  /** What stands behind the job's name. */
  readonly suffix: string;
}

const maxLegs = 1000;

/**
 * The combinations of a matrix, without those that it excludes, the first parameter changing slowest.
 * Source: https://circleci.com/docs/reference/configuration-reference/#matrix
 */
export function readMatrix(matrix: MapEntry, scope: Scope, reading: Reading): readonly Leg[] {
  const parameters = field(matrix.value, 'parameters');
  if (parameters?.value.kind !== 'map') {
    problem(reading, 'circle/matrix', matrix.keySpan, 'a matrix wants `parameters` with a list of values for each');
    return [];
  }
  let legs: (readonly (readonly [string, Node])[])[] = [[]];
  for (const each of parameters.value.entries.values()) {
    const list = interpolate(each.value, scope, reading);
    const values = itemsOf(list);
    if (values.length === 0) {
      problem(
        reading,
        'circle/matrix',
        each.value.span,
        `the matrix wants a list of values for \`${each.key}\`, not ${kindOf(list)}`,
      );
      return [];
    }
    if (legs.length * values.length > maxLegs) {
      problem(reading, 'circle/matrix', matrix.keySpan, `the matrix has more than ${maxLegs} combinations`);
      return [];
    }
    legs = legs.flatMap((leg) => values.map((value) => [...leg, [each.key, value] as const]));
  }
  const excluded = new Set(excludedLegs(matrix, [...parameters.value.entries.keys()], scope, reading));
  return legs
    .filter((leg) => !excluded.has(identity(leg)))
    .map((leg) => ({ values: new Map(leg), suffix: suffixOf(leg) }));
}

/** Values stand in the alphabetical order of their parameters' names. */
function suffixOf(leg: readonly (readonly [string, Node])[]): string {
  const sorted = [...leg].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted
    .map(([, value]) => `-${value.kind === 'scalar' ? value.text : JSON.stringify(toValue(value))}`)
    .join('');
}

function identity(leg: Iterable<readonly [string, Node]>): string {
  const sorted = [...leg].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(sorted.map(([name, value]) => [name, value.kind === 'scalar' ? value.text : toValue(value)]));
}

function excludedLegs(matrix: MapEntry, names: readonly string[], scope: Scope, reading: Reading): readonly string[] {
  return itemsOf(field(matrix.value, 'exclude')?.value).flatMap((item) => {
    const filled = interpolate(item, scope, reading);
    const given = entriesOf(filled);
    if (given.length !== names.length || given.some(({ key }) => !names.includes(key))) {
      const hint = `name each of ${names.join(', ')} once`;
      problem(reading, 'circle/matrix', item.span, 'what a matrix excludes must name all of its parameters', { hint });
      return [];
    }
    return [identity(given.map(({ key, value }) => [key, value] as const))];
  });
}
