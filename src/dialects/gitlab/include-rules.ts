import { evaluateExpression } from '../../expressions/evaluate-expression.ts';
import { expandVariables } from '../../expressions/expand-variables.ts';
import { parseExpression } from '../../expressions/parse-expression.ts';
import type { Context } from '../../model/context.ts';
import type { FileOrigin } from '../../model/included-file.ts';
import type { Rule } from '../../model/pipeline.ts';
import { compileGlob } from '../../util/glob.ts';

/** What rules can look at while files are still being read. */
export interface Known {
  readonly context: Context;
  /** Variables that are known before the files are: predefined, of the project, of the pipeline. */
  readonly variable: (name: string) => string | undefined;
  /** Files that `exists` looks among; absent: those of the pipeline's own project. */
  readonly paths?: () => readonly string[];
}

/**
 * What the rules of an `include` can look at in a file of the given project: files that belong to none see no variables
 * and no files. Source: lib/gitlab/ci/config/external/file/remote.rb, template.rb (`expand_context_attrs`)
 */
export function knownIn(known: Known, origin: FileOrigin): Known {
  switch (origin.kind) {
    case 'own':
      return known;
    case 'project':
      return { ...known, paths: () => known.context.projects?.paths(origin.project, origin.ref) ?? [] };
    case 'nowhere':
      return { ...known, variable: () => undefined, paths: () => [] };
  }
}

/** Do the rules of an `include` let it in? The first that matches decides. */
export function isIncluded(rules: readonly Rule[] | undefined, known: Known): boolean {
  if (rules === undefined) return true;
  const matching = rules.find((rule) => matches(rule, known));
  return matching !== undefined && matching.when !== 'never';
}

function matches(rule: Rule, known: Known): boolean {
  const { query } = known.context;
  if (rule.if && !holds(rule.if.value, known.variable)) return false;
  if (rule.changes) {
    const changed = query.changedPaths(rule.changes.compareTo);
    if (changed !== undefined && !anyMatch(rule.changes.paths, changed, known)) return false;
  }
  return !rule.exists || anyMatch(rule.exists.paths, known.paths?.() ?? query.paths(), known);
}

function anyMatch(patterns: readonly string[], paths: readonly string[], known: Known): boolean {
  return patterns.some((pattern) => {
    const expanded = expandVariables(pattern, known.variable, { unknown: 'keep' });
    const test = compileGlob(expanded.replace(/^\//, ''), { dialect: 'fnmatch' });
    return paths.some(test);
  });
}

/** The value of an expression of the form of `rules:if`; one that does not parse is false. */
export function holds(expression: string, variable: (name: string) => string | undefined): boolean {
  const parsed = parseExpression(expression);
  return parsed.ok && evaluateExpression(parsed.value, { variable }).result;
}
