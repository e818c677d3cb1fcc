import { expandVariables } from '../expressions/expand-variables.ts';
import { uniqueVariables } from '../expressions/merge-variables.ts';
import type { Variable, VariableLayers } from '../model/variable.ts';

/**
 * The variables of a job without what a project, a user or an earlier job gave: a runner hands these to the job alone. A variable of the file
 * that one of them hides is public all the same.
 * @param expanded all variables of the job.
 * Source: https://docs.gitlab.com/ci/services/#passing-cicd-variables-to-services
 */
export function publicVariables(
  { belowDotenv, aboveDotenv }: VariableLayers,
  dotenv: readonly Variable[],
  expanded: readonly Variable[],
): readonly Variable[] {
  const hidden = new Set([...dotenv, ...aboveDotenv].map(({ name }) => name));
  const values = new Map(expanded.map((variable) => [variable.name, variable]));
  return uniqueVariables(belowDotenv).map((variable) => {
    if (!hidden.has(variable.name)) return values.get(variable.name) ?? variable;
    if (variable.raw || variable.file) return variable;
    const lookup = (name: string): string | undefined => (name === variable.name ? undefined : values.get(name)?.value);
    return { ...variable, value: expandVariables(variable.value, lookup, { unknown: 'keep', dollars: 'keep' }) };
  });
}
