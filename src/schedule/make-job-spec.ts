import { literalVariables } from '../expressions/merge-variables.ts';
import { sortAndExpand } from '../expressions/sort-and-expand.ts';
import { givenSecrets, missingSecretsText } from '../model/job-secrets.ts';
import type { Dependency, JobSpec, Source } from '../model/job-spec.ts';
import type { JobSecret } from '../model/pipeline.ts';
import type { JobNode, PlanNode } from '../model/plan.ts';
import type { RefuseStep } from '../model/step.ts';
import type { Variable, VariableLayers } from '../model/variable.ts';
import { type CacheKeyFacts, withCacheKeys } from './cache-keys.ts';
import { publicVariables } from './public-variables.ts';

/** What variables of a job are known only when it is handed out. */
export interface LateVariables {
  /** `CI_JOB_ID`: unique in the run, another one for each try. */
  readonly number: number;
  /** Above the predefined and YAML variables, below dotenv. */
  readonly variables: readonly Variable[];
  /** Variables that the dependencies left. */
  readonly dotenv: readonly Variable[];
}

/** What is known about a job only when it is handed out. */
export interface Dispatch extends LateVariables {
  readonly runId: string;
  readonly projectPath: string;
  readonly source: Source;
  readonly attempt: number;
  readonly dependencies: readonly Dependency[];
  readonly workspaceFrom: readonly Dependency[];
  readonly repository?: CacheKeyFacts | undefined;
}

/** Makes of a planned job what GitLab's server would hand to a runner: variables expanded as far as a server does. */
export function makeJobSpec(node: JobNode, dispatch: Dispatch): JobSpec {
  const { definition } = node;
  const secrets = givenSecrets(definition.secrets ?? [], node.variables);
  const variables = dispatchVariables(node, dispatch, { as: 'server', secrets: secrets.variables });
  return {
    id: node.id,
    name: node.name,
    stage: node.stage,
    runId: dispatch.runId,
    attempt: dispatch.attempt,
    executor: node.executor,
    variables,
    ...(definition.image === undefined ? {} : { image: definition.image }),
    services: definition.services,
    ...(definition.services.length === 0
      ? {}
      : {
          serviceVariables:
            definition.serviceVariables === 'own'
              ? []
              : publicVariables(dispatchLayers(node, dispatch, secrets.variables), dispatch.dotenv, variables),
        }),
    ...(definition.directory === undefined ? {} : { directory: definition.directory }),
    ...(definition.facts === undefined ? {} : { facts: definition.facts }),
    ...(definition.servicesReachedBy === undefined ? {} : { servicesReachedBy: definition.servicesReachedBy }),
    steps: [...refuseMissing(secrets.missing), ...withCacheKeys(definition.steps, dispatch.repository)],
    ...(definition.programs === undefined ? {} : { programs: definition.programs }),
    source: dispatch.source,
    projectPath: dispatch.projectPath,
    dependencies: dispatch.dependencies,
    workspaceFrom: dispatch.workspaceFrom,
    timeoutMs: node.timeoutMs,
    ...(definition.environment === undefined ? {} : { environment: definition.environment }),
    ...(definition.coverage === undefined ? {} : { coverage: definition.coverage }),
  };
}

/** A server that can't get a job's secrets fails it, too. */
function refuseMissing(missing: readonly JobSecret[]): readonly RefuseStep[] {
  if (missing.length === 0) return [];
  const reason = 'secrets_provider_not_found';
  return [{ kind: 'refuse', phase: 'prepare', when: 'on_success', reason, ...missingSecretsText(missing) }];
}

/** All variables of a node as it is handed out; see `sortAndExpand` for how far they are expanded. */
export function dispatchVariables(
  node: PlanNode,
  late: LateVariables,
  { as, secrets = [] }: { readonly as: 'final' | 'server'; readonly secrets?: readonly Variable[] },
): readonly Variable[] {
  const { belowDotenv, aboveDotenv } = dispatchLayers(node, late, secrets);
  return sortAndExpand([...belowDotenv, ...literalVariables(late.dotenv), ...aboveDotenv], { as });
}

function dispatchLayers(
  { variables, definition }: PlanNode,
  late: LateVariables,
  secrets: readonly Variable[],
): VariableLayers {
  const planned = variables.belowDotenv.find(({ name }) => name === 'CI_JOB_URL');
  const own: readonly Variable[] = [
    ...late.variables,
    ...numberNames(definition).map((name) => ({ name, value: String(late.number), raw: true })),
    ...(planned === undefined ? [] : [{ ...planned, value: planned.value.replace(/\d+$/, String(late.number)) }]),
  ];
  return {
    belowDotenv: [...variables.belowDotenv, ...own],
    aboveDotenv: [...variables.aboveDotenv, ...secrets],
  };
}

/** Variables that tell a job its number. */
function numberNames({ facts }: PlanNode['definition']): readonly string[] {
  if (facts === undefined) return ['CI_JOB_ID'];
  return facts.filter(({ fact }) => fact === 'number').map(({ name }) => name);
}

/** The number that the plan gave a node, if it gave one. */
export function plannedNumber({ variables, definition }: PlanNode): number | undefined {
  const [known] = numberNames(definition);
  const text = variables.belowDotenv.find(({ name }) => name === known)?.value;
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
