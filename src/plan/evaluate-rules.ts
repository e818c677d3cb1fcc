import type { Rule } from '../model/pipeline.ts';
import type { ClauseTrace, RuleTrace } from '../model/plan.ts';
import type { FindVariable } from './expand-text.ts';
import type { ClauseJudges } from './judge-clauses.ts';

/** How a list of rules was judged, up to the one that matches; absent `matched`: none does. */
export interface RulesOutcome {
  /** The first rule that matches, and its number starting at 1. */
  readonly matched?: { readonly rule: Rule; readonly number: number };
  readonly trace: readonly RuleTrace[];
}

/** Judges the rules of one job or workflow; `find` knows the variables that they may look at. */
export type EvaluateRules = (rules: readonly Rule[], find: FindVariable) => RulesOutcome;

/**
 * Makes the judge of rules for one plan. Conditions of a rule are tried in the order `if`, `changes`, `exists`; the
 * first that fails ends the rule.
 */
export function ruleEvaluator({ judgeIf, judgeChanges, judgeExists }: ClauseJudges): EvaluateRules {
  const judge = (rule: Rule, find: FindVariable): RuleTrace => {
    const clauses: ClauseTrace[] = [];
    const holds = (clause: ClauseTrace): boolean => {
      clauses.push(clause);
      return clause.result;
    };
    const matched =
      (!rule.if || holds(judgeIf(rule.if.value, find))) &&
      (!rule.changes || holds(judgeChanges(rule.changes, find))) &&
      (!rule.exists || holds(judgeExists(rule.exists, find)));
    return { span: rule.span, result: matched ? 'matched' : 'not-matched', clauses };
  };

  return (rules, find) => {
    const trace: RuleTrace[] = [];
    for (const [i, rule] of rules.entries()) {
      const judged = judge(rule, find);
      trace.push(judged);
      if (judged.result !== 'matched') continue;
      const rest = rules.slice(i + 1);
      trace.push(...rest.map(({ span }): RuleTrace => ({ span, result: 'not-reached', clauses: [] })));
      return { matched: { rule, number: i + 1 }, trace };
    }
    return { trace };
  };
}
