import type { NamedValue, NamedValueLayers } from './named-value.ts';

/**
 * Lists of variables as one list with each name once: the last one wins and stands where its name came first.
 * @param lists in order of precedence, lowest first.
 */
export function uniqueVariables(...lists: readonly (readonly NamedValue[])[]): readonly NamedValue[] {
  const byName = new Map<string, NamedValue>();
  for (const list of lists) for (const variable of list) byName.set(variable.name, variable);
  return [...byName.values()];
}

/**
 * The variables of a job at the moment it is handed out.
 * @param dotenv what earlier jobs left by `artifacts:reports:dotenv`; always taken literally.
 * Source: https://docs.gitlab.com/ci/variables/#cicd-variable-precedence
 */
export function mergeVariables(layers: NamedValueLayers, dotenv: readonly NamedValue[] = []): readonly NamedValue[] {
  return uniqueVariables(layers.belowDotenv, literalVariables(dotenv), layers.aboveDotenv);
}

/** The same, expanded by nobody. */
export function literalVariables(variables: readonly NamedValue[]): readonly NamedValue[] {
  return variables.map((variable) => ({ ...variable, raw: true }));
}

/** A lookup by name for `expandVariables` and `evaluateExpression`; the last variable of a name wins. */
export function variableLookup(...lists: readonly (readonly NamedValue[])[]): (name: string) => string | undefined {
  const byName = new Map(uniqueVariables(...lists).map((variable) => [variable.name, variable.value]));
  return (name) => byName.get(name);
}
