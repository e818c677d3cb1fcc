import type { JobDefinition, Need, Pipeline } from '../model/pipeline.ts';
import { suggester } from '../util/nearest.ts';
import { expandLegs, type Leg } from './expand-legs.ts';

/** A definition with what it becomes. */
export interface ExpandedJob {
  readonly definition: JobDefinition;
  readonly legs: readonly Leg[];
  /** Position of its stage, -1 when there is no such stage. */
  readonly stageIndex: number;
}

/** What a name in `needs` or `dependencies` means: a whole job, or one leg of it. */
export interface NamedJob {
  readonly job: ExpandedJob;
  readonly leg?: Leg;
}

/** The jobs of a pipeline by name. */
export interface JobIndex {
  readonly jobs: readonly ExpandedJob[];
  find(name: string): NamedJob | undefined;
  /** Names of all definitions. */
  readonly names: readonly string[];
  /** "did you mean `build`?" for a name that is none of them. */
  readonly suggest: (name: string) => string | undefined;
}

/** Multiplies all jobs out and indexes them. A definition's name wins over a leg of the same name. */
export function indexJobs(pipeline: Pipeline): JobIndex {
  const stages = new Map(pipeline.stages.map((stage, i) => [stage, i]));
  const jobs = pipeline.jobs.map((definition) => ({
    definition,
    legs: expandLegs(definition),
    stageIndex: stages.get(definition.stage.value) ?? -1,
  }));
  const byName = new Map<string, NamedJob>();
  for (const job of jobs) for (const leg of job.legs) byName.set(leg.name, { job, leg });
  for (const job of jobs) byName.set(job.definition.name, { job });
  const names = jobs.map(({ definition }) => definition.name);
  return { jobs, find: (name) => byName.get(name), names, suggest: suggester(() => names) };
}

/**
 * The legs that a need means; empty when `needs:parallel:matrix` fits none. `$[[ matrix.X ]]` in it is the value of X
 * of the leg that needs. Source: https://docs.gitlab.com/ci/yaml/matrix_expressions/
 * @param needing the leg whose need it is.
 */
export function neededLegs(need: Need, named: NamedJob, needing: Leg): readonly Leg[] {
  if (named.leg) return [named.leg];
  if (!need.matrix) return named.job.legs;
  const wanted = need.matrix.map((values) =>
    Object.entries(values).map(([name, value]) => [name, withMatrixValues(value, needing)] as const),
  );
  return named.job.legs.filter((leg) => {
    const own = new Map(leg.variables.map(({ name, value }) => [name, value]));
    return wanted.some((values) => values.every(([name, value]) => own.get(name) === value));
  });
}

function withMatrixValues(text: string, leg: Leg): string {
  return text.replace(/\$\[\[\s*matrix\.(\w+)\s*\]\]/g, (written, name: string) => {
    return leg.variables.find((variable) => variable.name === name)?.value ?? written;
  });
}
