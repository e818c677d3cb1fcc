import type { JobDefinition } from '../model/pipeline.ts';
import type { Variable } from '../model/variable.ts';
import { slugify } from '../util/slugify.ts';
import { environmentTier } from './environment.ts';
import type { Leg } from './expand-legs.ts';
import { expandPattern, type FindVariable } from './expand-text.ts';

/** A predefined variable: nothing in it is expanded. */
export function fixed(name: string, value: string): Variable {
  return { name, value, raw: true };
}

/** Predefined variables that a job's name, stage and legs make. */
export function nameVariables(definition: JobDefinition, leg: Leg): readonly Variable[] {
  return [
    fixed('CI_JOB_NAME', leg.name),
    fixed('CI_JOB_NAME_SLUG', slugify(leg.name)),
    fixed('CI_JOB_GROUP_NAME', definition.name),
    fixed('CI_JOB_STAGE', definition.stage.value),
    ...(leg.index === undefined ? [] : [fixed('CI_NODE_INDEX', String(leg.index))]),
    fixed('CI_NODE_TOTAL', String(leg.total)),
  ];
}

/**
 * The variables that a job's `rules`, `only` and `except` see: those that are known of all jobs, and below them what the
 * job itself predefines. What a job only has once it exists (`CI_JOB_ID`, `CI_ENVIRONMENT_SLUG`) is not among them.
 * Source: lib/gitlab/ci/variables/builder.rb (`scoped_variables_for_pipeline_seed`)
 */
export function variablesInRules(definition: JobDefinition, leg: Leg, known: FindVariable): FindVariable {
  let own: ReadonlyMap<string, Variable> | undefined;
  return (name) => {
    const found = known(name);
    if (found || !/^CI_(?:JOB|NODE|ENVIRONMENT)_/.test(name)) return found;
    own ??= new Map(ownVariables(definition, leg, known).map((variable) => [variable.name, variable]));
    return own.get(name);
  };
}

function ownVariables(definition: JobDefinition, leg: Leg, known: FindVariable): readonly Variable[] {
  const { environment, when } = definition;
  const named = nameVariables(definition, leg);
  const manual = when === 'manual' || when === 'delayed' ? [fixed('CI_JOB_MANUAL', 'true')] : [];
  if (!environment) return [...named, ...manual];
  const byName = new Map(named.map((variable) => [variable.name, variable]));
  const name = expandPattern(environment.name, (one) => known(one) ?? byName.get(one));
  return [
    ...named,
    ...manual,
    fixed('CI_ENVIRONMENT_NAME', name),
    fixed('CI_ENVIRONMENT_ACTION', environment.action),
    fixed('CI_ENVIRONMENT_TIER', environment.tier ?? environmentTier(name)),
    ...(environment.url === undefined ? [] : [{ name: 'CI_ENVIRONMENT_URL', value: environment.url }]),
  ];
}
