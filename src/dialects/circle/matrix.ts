import type { MapEntry, Node } from '../../syntax/node.ts';
import { toValue } from '../../syntax/node.ts';
import { interpolate } from './interpolate.ts';
import { entriesOf, field, isNothing, itemsOf, kindOf, problem, type Reading, suggestion } from './reading.ts';
import type { Scope } from './scope.ts';

/** One combination of a matrix's values. */
export interface Leg {
  readonly values: ReadonlyMap<string, Node>;
  /** What stands behind the job's name. */
  readonly suffix: string;
}

type Combination = readonly (readonly [string, Node])[];

/** CircleCI's limit. */
const maxLegs = 128;
/** Before exclusions. */
const maxCombinations = 10_000;

/**
 * The combinations of a matrix, without those that it excludes, the first parameter changing slowest.
 * Source: https://circleci.com/docs/reference/configuration-reference/#matrix
 */
export function readMatrix(matrix: MapEntry, scope: Scope, reading: Reading): readonly Leg[] {
  const parameters = field(matrix.value, 'parameters');
  if (parameters?.value.kind !== 'map') {
    const hint = 'add `parameters:` and below it a list of values for each';
    problem(reading, 'circle/matrix', matrix.keySpan, 'a matrix wants `parameters` with a list of values for each', {
      hint,
    });
    return [];
  }
  let combinations: Combination[] = [[]];
  for (const each of parameters.value.entries.values()) {
    const values = valuesOf(each, scope, reading);
    if (combinations.length * values.length > maxCombinations) {
      return tooMany(matrix, reading, `more than ${maxCombinations} combinations`);
    }
    combinations = combinations.flatMap((leg) => values.map((value) => [...leg, [each.key, value] as const]));
  }
  const isExcluded = exclusions(matrix, [...parameters.value.entries.keys()], scope, reading);
  const legs = combinations.filter((leg) => !isExcluded(leg));
  if (legs.length > maxLegs) return tooMany(matrix, reading, `${legs.length} jobs`);
  return legs.map((leg) => ({ values: new Map(leg), suffix: suffixOf(leg) }));
}

function tooMany({ keySpan }: MapEntry, reading: Reading, found: string): readonly Leg[] {
  const hint = 'take values out of it, or spread it over several matrices';
  problem(reading, 'circle/matrix', keySpan, `the matrix makes ${found}, and ${maxLegs} jobs are the most`, { hint });
  return [];
}

function valuesOf(each: MapEntry, scope: Scope, reading: Reading): readonly Node[] {
  const list = interpolate(each.value, scope, reading);
  const values = itemsOf(list);
  if (values.length > 0) return values;
  if (list.kind === 'seq' || isNothing(list)) {
    const message = `the matrix has no values for \`${each.key}\`, so it makes no jobs`;
    reading.report({ code: 'circle/matrix', severity: 'warning', message, span: each.keySpan });
  } else {
    const hint = `write \`${each.key}: [ … ]\``;
    const message = `the matrix wants a list of values for \`${each.key}\`, not ${kindOf(list)}`;
    problem(reading, 'circle/matrix', each.value.span, message, { hint });
  }
  return [];
}

/** Values stand in the alphabetical order of their parameters' names, as in what CircleCI compiles. */
function suffixOf(leg: Combination): string {
  return [...leg]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, value]) => `-${value.kind === 'scalar' ? value.text : JSON.stringify(toValue(value))}`)
    .join('');
}

function identity(value: Node): string {
  return value.kind === 'scalar' ? value.text : JSON.stringify(toValue(value));
}

/** A combination is excluded when all values of an entry of `exclude` are its own. */
function exclusions(
  matrix: MapEntry,
  names: readonly string[],
  scope: Scope,
  reading: Reading,
): (leg: Combination) => boolean {
  const known = new Set(names);
  const excluded = itemsOf(field(matrix.value, 'exclude')?.value).flatMap((item) => {
    const given = entriesOf(interpolate(item, scope, reading));
    const strange = given.find(({ key }) => !known.has(key));
    if (given.length > 0 && strange === undefined) return [given];
    const hint = (strange && suggestion(reading, strange.key, () => names)) ?? `name each of ${names.join(', ')} once`;
    const message = strange ? `the matrix has no parameter \`${strange.key}\`` : 'an exclusion is a map of parameters';
    problem(reading, 'circle/matrix', strange?.keySpan ?? item.span, message, { hint });
    return [];
  });
  return (leg) => {
    if (excluded.length === 0) return false;
    const own = new Map(leg);
    return excluded.some((given) => given.every(({ key, value }) => identity(own.get(key)!) === identity(value)));
  };
}
