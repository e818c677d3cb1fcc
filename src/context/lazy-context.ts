import type { Context } from '../model/context.ts';
import { once } from '../util/once.ts';
import { buildContext, type ContextOptions } from './build-context.ts';

/** Options that nothing can be wrong with: they name no event, branch, tag or revision. */
export type PlainContextOptions = Omit<
  ContextOptions,
  'event' | 'branch' | 'tag' | 'targetBranch' | 'changedSince' | 'pipelineId'
>;

/**
 * A context whose facts are gathered when the first of them is read: `git` is only started for a file that has
 * something depend on them.
 */
export function lazyContext(options: PlainContextOptions): Context {
  const context = once(() => {
    const built = buildContext(options);
    if (built.kind === 'usage-error') throw new Error(built.message);
    return built.context;
  });
  return {
    get source() {
      return context().source;
    },
    get git() {
      return context().git;
    },
    get project() {
      return context().project;
    },
    get predefined() {
      return context().predefined;
    },
    get projectVariables() {
      return context().projectVariables;
    },
    get pipelineVariables() {
      return context().pipelineVariables;
    },
    get query() {
      return context().query;
    },
    ...(options.projects === undefined ? {} : { projects: options.projects }),
    ...(options.variableSets === undefined ? {} : { variableSets: options.variableSets }),
  };
}
