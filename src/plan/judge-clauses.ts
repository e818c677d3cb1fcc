import { evaluateExpression } from '../expressions/evaluate-expression.ts';
import { expandVariables, referencedVariables } from '../expressions/expand-variables.ts';
import type { Expression, Parsed } from '../expressions/expression.ts';
import { parseExpression } from '../expressions/parse-expression.ts';
import { sortAndExpand } from '../expressions/sort-and-expand.ts';
import { memoisedCompileRegex } from '../expressions/user-regex.ts';
import type { RepositoryQuery } from '../model/context.ts';
import type { Rule } from '../model/pipeline.ts';
import type { ClauseTrace } from '../model/plan.ts';
import type { Variable } from '../model/variable.ts';
import { compileGlob } from '../util/glob.ts';

/** The variable of a name that counts, or undefined. */
export type FindVariable = (name: string) => Variable | undefined;

/** Judges single conditions of rules, and of `only` and `except`. */
export interface ClauseJudges {
  readonly judgeIf: (text: string, find: FindVariable) => ClauseTrace;
  readonly judgeChanges: (changes: NonNullable<Rule['changes']>, find: FindVariable) => ClauseTrace;
  readonly judgeExists: (exists: NonNullable<Rule['exists']>, find: FindVariable) => ClauseTrace;
}

/**
 * Makes the judges for one plan; they remember parsed expressions and searched patterns, and ask the repository only
 * when a clause needs it.
 */
export function clauseJudges(query: RepositoryQuery): ClauseJudges {
  const parse = memoised(parseExpression);
  const compileRegex = memoisedCompileRegex();
  const compile = memoised((pattern: string) => compileGlob(pattern, { dialect: 'fnmatch' }));
  const existing = memoised((pattern: string) => query.paths().find(compile(pattern)));
  const changed = memoised((base: string | undefined) => {
    const paths = query.changedPaths(base);
    return { count: paths?.length, first: memoised((pattern: string) => paths?.find(compile(pattern))) };
  });

  const judgeIf = (text: string, find: FindVariable): ClauseTrace => {
    const parsed: Parsed<Expression> = parse(text);
    if (!parsed.ok) return { kind: 'if', text, result: false, values: [`not valid: ${parsed.error.message}`] };
    const lookup = { variable: (name: string) => find(name)?.value, compileRegex };
    const { result, seen } = evaluateExpression(parsed.value, lookup);
    return { kind: 'if', text, result, values: seen.map(({ name }) => shown(name, find(name))) };
  };

  const expand = (patterns: readonly string[], find: FindVariable): readonly string[] =>
    patterns.map((pattern) => expandNested(pattern, find));

  const judgeChanges = (changes: NonNullable<Rule['changes']>, find: FindVariable): ClauseTrace => {
    const [base] = changes.compareTo === undefined ? [] : expand([changes.compareTo], find);
    const { count, first } = changed(base);
    const trace = { kind: 'changes' as const, text: changes.paths.join(', ') };
    if (count === undefined) return { ...trace, result: true, values: ['there is nothing to compare with'] };
    for (const pattern of expand(changes.paths, find)) {
      const path = first(pattern);
      if (path !== undefined) return { ...trace, result: true, values: [`changed: ${path}`] };
    }
    const paths = count === 1 ? '1 changed path' : `${count} changed paths`;
    return { ...trace, result: false, values: [`no match in ${paths}`] };
  };

  const judgeExists = (exists: NonNullable<Rule['exists']>, find: FindVariable): ClauseTrace => {
    const trace = { kind: 'exists' as const, text: exists.paths.join(', ') };
    for (const pattern of expand(exists.paths, find)) {
      const path = existing(pattern);
      if (path !== undefined) return { ...trace, result: true, values: [`found: ${path}`] };
    }
    return { ...trace, result: false, values: ['no such file'] };
  };

  return { judgeIf, judgeChanges, judgeExists };
}

/** Variables in variables count in patterns, other than in `if`. Source: lib/gitlab/ci/build/rules/rule/clause/changes.rb */
function expandNested(pattern: string, find: FindVariable): string {
  if (!pattern.includes('$')) return pattern;
  const used = new Map<string, Variable>();
  const open = [...referencedVariables(pattern)];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const variable = find(name);
    if (!variable || used.has(name)) continue;
    used.set(name, variable);
    if (!variable.raw) open.push(...referencedVariables(variable.value));
  }
  const expanded = sortAndExpand([...used.values()], { as: 'server' });
  const values = new Map(expanded.map(({ name, value }) => [name, value]));
  return expandVariables(pattern, (name) => values.get(name), { unknown: 'keep' });
}

function shown(name: string, variable: Variable | undefined): string {
  if (!variable) return `$${name} is not set`;
  return `$${name} = ${variable.masked ? '[MASKED]' : JSON.stringify(variable.value)}`;
}

function memoised<K, T>(compute: (key: K) => T): (key: K) => T {
  const known = new Map<K, { readonly value: T }>();
  return (key) => {
    const found = known.get(key) ?? { value: compute(key) };
    known.set(key, found);
    return found.value;
  };
}
