import type { Report } from '../diagnostics/diagnostic.ts';
import { referencedVariables } from '../expressions/expand-variables.ts';
import { variableCycles } from '../expressions/sort-and-expand.ts';
import type { JobDefinition, Pipeline } from '../model/pipeline.ts';
import type { VariableDefinition } from '../model/variable.ts';

/**
 * Warns of variables of the file that refer to each other in a circle: they stay as they are, while GitLab refuses a
 * pipeline with such a job. Source: lib/gitlab/ci/variables/collection/sort.rb
 */
export function checkVariables(pipeline: Pipeline, report: Report): void {
  const global = pipeline.variables;
  checkTogether([], global, report);
  const usedByGlobal = namesIn(global);
  const seen = new Set<readonly VariableDefinition[]>();
  for (const job of pipeline.jobs) {
    // Jobs share the variables of their templates.
    if (seen.has(job.variables)) continue;
    seen.add(job.variables);
    // A circle leads back to one of them.
    const used = namesIn(job.variables);
    if (used.size === 0 || !job.variables.some(({ name }) => used.has(name) || usedByGlobal.has(name))) continue;
    checkTogether(inherited(job, global), job.variables, report);
  }
}

/** Names that the variables refer to. */
function namesIn(variables: readonly VariableDefinition[]): ReadonlySet<string> {
  return new Set(variables.flatMap(({ value }) => referencedVariables(value)));
}

function inherited({ inheritVariables }: JobDefinition, global: Pipeline['variables']): Pipeline['variables'] {
  if (inheritVariables === true) return global;
  return inheritVariables === false ? [] : global.filter(({ name }) => inheritVariables.includes(name));
}

/** Tells of circles that one of the `own` variables takes part in. */
function checkTogether(above: readonly VariableDefinition[], own: readonly VariableDefinition[], report: Report): void {
  const byName = new Map([...above, ...own].map((variable) => [variable.name, variable]));
  const mine = new Set(own);
  for (const cycle of variableCycles([...byName.values()])) {
    const first = cycle.map((name) => byName.get(name)!).find((variable) => mine.has(variable));
    if (!first) continue;
    const names = cycle.map((name) => `\`${name}\``);
    report({
      code: 'plan/variable-cycle',
      severity: 'warning',
      message: `the variables ${names.slice(0, -1).join(', ')} and ${names.at(-1)} refer to each other in a circle`,
      span: first.span,
      hint: 'they stay as they are here; GitLab refuses the pipeline',
    });
  }
}
