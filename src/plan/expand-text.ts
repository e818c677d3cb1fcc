import { expandVariables, referencedVariables } from '../expressions/expand-variables.ts';
import { sortAndExpand } from '../expressions/sort-and-expand.ts';
import type { Variable, VariableLayers } from '../model/variable.ts';

/** The variable of a name that counts, or undefined. */
export type FindVariable = (name: string) => Variable | undefined;

/**
 * Patterns of `changes` and `exists`: variables in variables count, other than in `if`; what is not known stays as
 * written. Source: lib/gitlab/ci/build/rules/rule/clause/changes.rb
 */
export function expandPattern(pattern: string, find: FindVariable): string {
  if (!pattern.includes('$')) return pattern;
  const values = new Map(
    sortAndExpand(usedVariables(pattern, find), { as: 'server' }).map(({ name, value }) => [name, value]),
  );
  return expandVariables(pattern, (name) => values.get(name), { unknown: 'keep' });
}

/** Expands a text with all that is known before a job starts; what is not known becomes empty. */
export function expandWith(layers: VariableLayers, text: string): string {
  return expandKnown(layers, text, 'empty');
}

/**
 * Expands a text for people to read: values that are masked do not show, and what is not known before the job starts
 * stays as it is written.
 */
export function expandToShow(layers: VariableLayers, text: string): string {
  if (!text.includes('$')) return text;
  const hide = (list: readonly Variable[]): readonly Variable[] =>
    list.map((variable) => (variable.masked ? { ...variable, value: '[MASKED]', raw: true } : variable));
  return expandKnown({ belowDotenv: hide(layers.belowDotenv), aboveDotenv: hide(layers.aboveDotenv) }, text, 'keep');
}

function expandKnown(layers: VariableLayers, text: string, unknown: 'empty' | 'keep'): string {
  if (!text.includes('$')) return text;
  const all = new Map([...layers.belowDotenv, ...layers.aboveDotenv].map((variable) => [variable.name, variable]));
  const used = usedVariables(text, (name) => all.get(name));
  const values = new Map(sortAndExpand(used).map(({ name, value }) => [name, value]));
  return expandVariables(text, (name) => values.get(name), { unknown });
}

/**
 * The variables that a text leads to, directly or through others. Nothing else is expanded: plans are made of thousands
 * of jobs with a hundred variables each.
 */
function usedVariables(text: string, find: FindVariable): readonly Variable[] {
  const used = new Map<string, Variable>();
  const open = [...referencedVariables(text)];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const variable = find(name);
    if (!variable || used.has(name)) continue;
    used.set(name, variable);
    if (!variable.raw) open.push(...referencedVariables(variable.value));
  }
  return [...used.values()];
}
