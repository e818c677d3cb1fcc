import type { Context } from '../model/context.ts';
import type { Environment } from '../model/pipeline.ts';
import type { FactVariable, Variable, VariableLayers } from '../model/variable.ts';
import type { Draft } from './decide-jobs.ts';
import { environmentSlug, environmentTier } from './environment.ts';
import { expandWith } from './expand-text.ts';
import { fixed, nameVariables } from './variables-in-rules.ts';

/** The variables of a job, and what they make of texts of its definition that the plan needs. */
export interface JobVariables {
  readonly layers: VariableLayers;
  readonly resourceGroup?: string;
}

/** What the variables of one node of the plan are made of. */
export interface JobVariablesInput {
  readonly draft: Draft;
  readonly context: Context;
  /** Project and pipeline variables; one list for all jobs. */
  readonly above: readonly Variable[];
  /** The same, where they stand below all others. */
  readonly below: readonly Variable[];
  /** Unique number of the job, for `CI_JOB_ID`. */
  readonly number: number;
  readonly timeoutMs: number;
  /** Started by hand. */
  readonly manual: boolean;
}

/** Adds the predefined variables that differ from job to job. */
export function jobVariables(input: JobVariablesInput): JobVariables {
  const { draft, context, above, below } = input;
  const { definition } = draft.job;
  const { facts } = definition;
  const own = facts === undefined ? ownVariables(input) : numbers(facts, input.number);
  const first = [...below, ...setVariables(input), ...context.predefined, ...own];
  const layers = { belowDotenv: [...first, ...draft.variables], aboveDotenv: above };
  const image = definition.kind === 'job' ? definition.image?.name : undefined;
  const { environment, resourceGroup } = definition;
  const isTold = facts === undefined && image !== undefined;
  if (!isTold && !environment && resourceGroup === undefined) return { layers };

  const late: Variable[] = isTold ? [fixed('CI_JOB_IMAGE', expandWith(layers, image))] : [];
  if (environment) late.push(...environmentVariables(environment, (text) => expandWith(layers, text)));
  // Right after the predefined ones, so that the file's own variables win.
  const all = { belowDotenv: [...first, ...late, ...draft.variables], aboveDotenv: above };
  return { layers: all, ...(resourceGroup === undefined ? {} : { resourceGroup: expandWith(all, resourceGroup) }) };
}

/** What a job that has variables of its own for it is told of its number. */
function numbers(facts: readonly FactVariable[], number: number): readonly Variable[] {
  return facts.filter(({ fact }) => fact === 'number').map(({ name }) => fixed(name, String(number)));
}

/** Of the sets that the job names; those that nobody has defined are told by `jobNotices`. */
function setVariables({ draft, context }: JobVariablesInput): readonly Variable[] {
  const { definition } = draft.job;
  const names = definition.kind === 'job' ? (definition.variableSets ?? []) : [];
  return names.flatMap((name) => context.variableSets?.get(name) ?? []);
}

function ownVariables({ draft, context, number, timeoutMs, manual }: JobVariablesInput): readonly Variable[] {
  const { definition } = draft.job;
  const projectUrl = context.predefined.find(({ name }) => name === 'CI_PROJECT_URL')?.value;
  const { leg } = draft;
  return [
    fixed('CI_JOB_ID', String(number)),
    ...(projectUrl === undefined ? [] : [fixed('CI_JOB_URL', `${projectUrl}/-/jobs/${number}`)]),
    ...nameVariables(definition, leg),
    fixed('CI_JOB_TIMEOUT', String(Math.round(timeoutMs / 1000))),
    ...(manual ? [fixed('CI_JOB_MANUAL', 'true')] : []),
  ];
}

function environmentVariables(environment: Environment, expand: (text: string) => string): readonly Variable[] {
  const name = expand(environment.name);
  return [
    fixed('CI_ENVIRONMENT_NAME', name),
    fixed('CI_ENVIRONMENT_SLUG', environmentSlug(name)),
    fixed('CI_ENVIRONMENT_ACTION', environment.action),
    fixed('CI_ENVIRONMENT_TIER', environment.tier ?? environmentTier(name)),
    // Its URL may use the two above and what the job leaves by dotenv, so it is expanded when the job runs.
    ...(environment.url === undefined ? [] : [{ name: 'CI_ENVIRONMENT_URL', value: environment.url }]),
  ];
}
