import type { JobDefinition } from '../model/pipeline.ts';

/** A job that may be named by its own name, by that of a leg, or by a shorter one. */
export interface Nameable {
  readonly definition: Pick<JobDefinition, 'alsoCalled' | 'stage'>;
  readonly included: boolean;
}

/** What a short name means: jobs of one stage, or that it may mean several. */
export type ShortName<T> =
  | { readonly kind: 'found'; readonly jobs: readonly T[] }
  | { readonly kind: 'ambiguous'; readonly jobs: readonly T[] };

/**
 * The jobs that a short name stands for (`build` for CircleCI's `main/build`): all that are called so in one stage. Where jobs of
 * several stages are, those of the only one that has such a job in the pipeline.
 * @returns undefined: it is no such name.
 */
export function findByShortName<T extends Nameable>(text: string, jobs: readonly T[]): ShortName<T> | undefined {
  const called = jobs.filter(({ definition }) => definition.alsoCalled?.includes(text));
  if (called.length === 0) return undefined;
  const stageOf = ({ definition }: T): string => definition.stage.value;
  const within = called.filter(({ included }) => included);
  const candidates = within.length > 0 ? within : called;
  const stages = new Set(candidates.map(stageOf));
  if (stages.size > 1) return { kind: 'ambiguous', jobs: candidates };
  return { kind: 'found', jobs: called.filter((job) => stages.has(stageOf(job))) };
}
