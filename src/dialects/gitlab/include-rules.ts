import type { Report } from '../../diagnostics/diagnostic.ts';
import { evaluateExpression } from '../../expressions/evaluate-expression.ts';
import { expandVariables } from '../../expressions/expand-variables.ts';
import { parseExpression } from '../../expressions/parse-expression.ts';
import type { Context } from '../../model/context.ts';
import type { FileOrigin } from '../../model/included-file.ts';
import type { ExistsCondition, Rule } from '../../model/pipeline.ts';
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
export function isIncluded(rules: readonly Rule[] | undefined, known: Known, report: Report): boolean {
  if (rules === undefined) return true;
  const matching = rules.find((rule) => matches(rule, known, report));
  return matching !== undefined && matching.when !== 'never';
}

function matches(rule: Rule, known: Known, report: Report): boolean {
  if (rule.if && !holds(rule.if.value, known.variable)) return false;
  if (rule.changes && !changed(rule.changes, known, report)) return false;
  if (!rule.exists) return true;
  const paths = pathsFor(rule.exists, known, report);
  return paths !== undefined && anyMatch(rule.exists.paths, paths, known);
}

function changed({ paths, compareTo, span }: NonNullable<Rule['changes']>, known: Known, report: Report): boolean {
  const { query } = known.context;
  const base = compareTo === undefined ? undefined : expanded(compareTo, known);
  if (base !== undefined && !query.knowsRevision(base)) {
    report({
      code: 'plan/unknown-revision',
      severity: 'error',
      message: `\`compare_to\` names no branch, tag or commit: \`${base}\``,
      span,
      hint: 'fetch it from the server; variables of the file are not known here',
    });
    return false;
  }
  const found = query.changedPaths(base);
  return found === undefined || anyMatch(paths, found, known);
}

/** The files to look among; undefined: they can't be known, and that was told. */
function pathsFor(exists: ExistsCondition, known: Known, report: Report): readonly string[] | undefined {
  const { query, projects } = known.context;
  if (exists.project === undefined) return known.paths?.() ?? query.paths();
  const project = expanded(exists.project, known);
  const ref = exists.ref === undefined ? undefined : expanded(exists.ref, known);
  if (projects?.directory(project) === undefined) {
    report({
      code: 'plan/project-not-mapped',
      severity: 'warning',
      message: `\`rules:exists\` asks for files of \`${project}\`, which is not on this machine, so it does not hold`,
      span: exists.span,
      hint: `say where it lies with \`--project ${project}=PATH\``,
    });
    return undefined;
  }
  const paths = projects.paths(project, ref);
  if (paths) return paths;
  report({
    code: 'plan/unknown-revision',
    severity: 'error',
    message: `\`ref\` names no branch, tag or commit of \`${project}\`: \`${ref ?? ''}\``,
    span: exists.span,
  });
  return undefined;
}

function expanded(text: string, { variable }: Known): string {
  return expandVariables(text, variable, { unknown: 'keep' });
}

function anyMatch(patterns: readonly string[], paths: readonly string[], known: Known): boolean {
  return patterns.some((pattern) => {
    const test = compileGlob(expanded(pattern, known).replace(/^\//, ''), { dialect: 'fnmatch' });
    return paths.some(test);
  });
}

/** The value of an expression of the form of `rules:if`; one that does not parse is false. */
export function holds(expression: string, variable: (name: string) => string | undefined): boolean {
  const parsed = parseExpression(expression);
  return parsed.ok && evaluateExpression(parsed.value, { variable }).result;
}
