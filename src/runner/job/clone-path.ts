import { posix } from 'node:path';
import { expandVariables } from '../../expressions/expand-variables.ts';
import type { Variable } from '../../model/variable.ts';

/** The builds directory while nobody knows where it will be. */
const builds = '/\0builds';
/** Where it is in containers. */
const inContainers = '/builds';

/** Numbers of the job among those that run at once. */
export interface JobNumbers {
  readonly concurrentId: number;
  readonly concurrentProjectId: number;
}

/**
 * Where a job wants its project below the builds directory (`GIT_CLONE_PATH`). Every job has a builds directory of its
 * own, so that it may be anywhere there.
 * Source: https://docs.gitlab.com/ci/runners/configure_runners/#custom-build-directories
 * @param variables of the job. @returns undefined: it does not say; `problem`: what is wrong with it.
 */
export function clonePathOf(
  variables: readonly Variable[],
  { concurrentId, concurrentProjectId }: JobNumbers,
): { readonly path: string } | { readonly problem: string } | undefined {
  const wanted = variables.findLast(({ name }) => name === 'GIT_CLONE_PATH')?.value.trim() ?? '';
  if (wanted === '') return undefined;
  const known = new Map([
    ...variables.map(({ name, value }) => [name, value] as const),
    ['CI_BUILDS_DIR', builds] as const,
    ['CI_CONCURRENT_ID', String(concurrentId)] as const,
    ['CI_CONCURRENT_PROJECT_ID', String(concurrentProjectId)] as const,
  ]);
  const lookup = (name: string): string | undefined => known.get(name);
  const written = expandVariables(
    expandVariables(wanted, (name) => lookup(name) ?? ''),
    lookup,
  );
  const path = posix.normalize(written).replace(/\/+$/, '');
  const base = [builds, inContainers].find((one) => path.startsWith(`${one}/`));
  if (base !== undefined) return { path: path.slice(base.length + 1) };
  return { problem: `the GIT_CLONE_PATH="${wanted}" has to be within "$CI_BUILDS_DIR"` };
}
