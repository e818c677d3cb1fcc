import { type MapEntry, type MapNode, type Node, withoutKeys } from '../../syntax/node.ts';
import { elementNames, findElement, type Namespace } from './elements.ts';
import { interpolate } from './interpolate.ts';
import { argumentsOf, bindArguments } from './parameters.ts';
import { entriesOf, entry, field, kindOf, map, problem, suggestion, textOf } from './reading.ts';
import { insideOf, type Scope } from './scope.ts';
import type { StepsShared } from './steps.ts';

/** What says where a job runs: exactly one of them. */
export const environmentKinds = ['docker', 'machine', 'macos'] as const;

const executorOnly: ReadonlySet<string> = new Set(['parameters', 'description']);
const callOnly: ReadonlySet<string> = new Set(['name']);

/**
 * The settings of an executor as a job names it: `executor: name` or `executor: {name, …arguments}`.
 * @param homes where its name is looked up, the first that knows it counts.
 * @returns undefined: there is none, and said so.
 */
export function resolveExecutor(
  named: MapEntry,
  homes: readonly Namespace[],
  scope: Scope,
  shared: StepsShared,
): MapNode | undefined {
  const { reading } = shared;
  const value = interpolate(named.value, scope, reading);
  const name = textOf(value.kind === 'map' ? field(value, 'name')?.value : value);
  if (name === undefined) {
    const message = `\`executor\` must be a name or a map with \`name\`, not ${kindOf(value)}`;
    problem(reading, 'circle/wrong-type', named.value.span, message);
    return undefined;
  }
  for (const home of homes) {
    const found = findElement(home, 'executor', name);
    if (found.kind === 'none') continue;
    if (found.kind === 'missing') {
      shared.missingOrb(found, { ...named, key: name });
      return undefined;
    }
    const inside = insideOf(found.element, scope);
    const call = { what: `the executor \`${name}\``, span: named.value.span, scope: inside };
    const given = value.kind === 'map' ? argumentsOf(value, callOnly) : new Map<string, MapEntry>();
    const parameters = bindArguments(found.element.declared, given, call, reading);
    const body = withoutKeys(found.element.node, executorOnly);
    return interpolate(body, { ...inside, parameters }, reading) as MapNode;
  }
  const hint =
    suggestion(reading, name, () => homes.flatMap((home) => elementNames(home, 'executor'))) ??
    'define it under `executors`';
  problem(reading, 'circle/unknown-executor', named.value.span, `there is no executor \`${name}\``, { hint });
  return undefined;
}

/** A job over its executor: the job's keys win, its container list takes the place of the executor's, environments are merged. */
export function overExecutor(executor: MapNode, job: MapNode): MapNode {
  const isOwn = environmentKinds.some((kind) => field(job, kind) !== undefined);
  const base = isOwn ? withoutKeys(executor, new Set(environmentKinds)) : executor;
  const merged = new Map<string, MapEntry>(base.entries);
  for (const each of job.entries.values()) {
    const below = merged.get(each.key)?.value;
    const isMerged = each.key === 'environment' && below?.kind === 'map' && each.value.kind === 'map';
    merged.set(each.key, isMerged ? { ...each, value: mergedMap(below, each.value) } : each);
  }
  return map(merged.values(), job.span);
}

function mergedMap(below: MapNode, above: Node): MapNode {
  return map(
    [...below.entries.values(), ...entriesOf(above).map((each) => entry(each.key, each.value, each.keySpan))],
    above.span,
  );
}
