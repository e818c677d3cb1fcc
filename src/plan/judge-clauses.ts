import type { Report } from '../diagnostics/diagnostic.ts';
import { evaluateExpression } from '../expressions/evaluate-expression.ts';
import type { Expression, Parsed } from '../expressions/expression.ts';
import { parseExpression } from '../expressions/parse-expression.ts';
import { memoisedCompileRegex } from '../expressions/user-regex.ts';
import type { RepositoryQuery } from '../model/context.ts';
import type { ProjectCheckouts } from '../model/included-file.ts';
import { isJobOnly } from '../model/job-only-variables.ts';
import type { Rule } from '../model/pipeline.ts';
import type { ClauseTrace } from '../model/plan.ts';
import type { Variable } from '../model/variable.ts';
import { memoised } from '../util/memoised.ts';
import type { FindVariable } from './expand-text.ts';
import { changesJudge, existsJudge } from './judge-paths.ts';

/** Judges single conditions of rules, and of `only` and `except`. */
export interface ClauseJudges {
  readonly judgeIf: (text: string, find: FindVariable) => ClauseTrace;
  readonly judgeChanges: (changes: NonNullable<Rule['changes']>, find: FindVariable) => ClauseTrace;
  readonly judgeExists: (exists: NonNullable<Rule['exists']>, find: FindVariable) => ClauseTrace;
}

/** What conditions are judged by, besides variables: the repository, and checkouts of other projects (`exists:project`). */
export interface JudgeSurroundings {
  readonly query: RepositoryQuery;
  readonly projects?: ProjectCheckouts | undefined;
  /** Told of what only turns out here, such as a ref to compare with that does not exist. Told once for each place. */
  readonly report: Report;
}

/**
 * Makes the judges for one plan; they remember parsed expressions and searched patterns, and ask the repository only
 * when a clause needs it.
 */
export function clauseJudges({ query, projects, report }: JudgeSurroundings): ClauseJudges {
  const parse = memoised(parseExpression);
  const compileRegex = memoisedCompileRegex();

  const judgeIf = (text: string, find: FindVariable): ClauseTrace => {
    const parsed: Parsed<Expression> = parse(text);
    if (!parsed.ok) return { kind: 'if', text, result: false, values: [`not valid: ${parsed.error.message}`] };
    const lookup = { variable: (name: string) => find(name)?.value, compileRegex };
    const { result, seen } = evaluateExpression(parsed.value, lookup);
    return { kind: 'if', text, result, values: seen.map(({ name }) => shown(name, find(name))) };
  };

  return { judgeIf, judgeChanges: changesJudge(query, report), judgeExists: existsJudge(query, projects, report) };
}

function shown(name: string, variable: Variable | undefined): string {
  if (!variable) return isJobOnly(name) ? `$${name} is only set in jobs` : `$${name} is not set`;
  return `$${name} = ${variable.masked ? '[MASKED]' : JSON.stringify(variable.value)}`;
}
