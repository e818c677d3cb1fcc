import { expandVariables } from '../../expressions/expand-variables.ts';
import { uniqueVariables } from '../../expressions/merge-variables.ts';
import type { BridgeNode } from '../../model/plan.ts';
import type { Variable } from '../../model/variable.ts';

/** What a bridge has to hand on. */
export interface Forwardable {
  /** Variables that its pipeline was started with. */
  readonly pipelineVariables: readonly Variable[];
  /** What earlier jobs left for the bridge. */
  readonly dotenv: readonly Variable[];
  /** All its variables, expanded. */
  readonly variables: readonly Variable[];
}

/**
 * The variables that the pipeline of a bridge gets: those that the file gives the bridge, and on request those that its own
 * pipeline was started with and those that earlier jobs left. A value that holds a masked one stays masked.
 * Source: lib/gitlab/ci/variables/downstream/generator.rb
 */
export function forwardedVariables(
  node: BridgeNode,
  { pipelineVariables, dotenv, variables }: Forwardable,
): readonly Variable[] {
  const { trigger } = node.definition;
  if (trigger.kind === 'followed') return [];
  const { forward } = trigger;
  const written = uniqueVariables(
    forward.yamlVariables ? node.fileVariables : [],
    forward.pipelineVariables ? [...dotenv.map((left) => ({ ...left, raw: true })), ...pipelineVariables] : [],
  );
  const all = new Map(variables.map((variable) => [variable.name, variable]));
  const secrets = variables.flatMap(({ masked, value }) => (masked && value !== '' ? [value] : []));
  return written.map((variable): Variable => {
    const value = variable.raw ? variable.value : expandOne(variable, all);
    const masked = variable.masked === true || secrets.some((secret) => value.includes(secret));
    return { ...variable, value, ...(masked ? { masked } : {}) };
  });
}

/** A reference to itself means the variable of that name that counts for the bridge, unless that is this one. */
function expandOne({ name, value }: Variable, all: ReadonlyMap<string, Variable>): string {
  return expandVariables(value, (used, written) => {
    const found = all.get(used);
    return used === name && found?.value.includes(written) ? written : found?.value;
  });
}
