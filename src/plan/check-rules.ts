import type { Report } from '../diagnostics/diagnostic.ts';
import type { PolicyPart, Rule } from '../model/pipeline.ts';
import { globProblem } from '../util/glob.ts';

/** Finds rules that can never decide, and patterns that can't be used. */
export function checkRules(rules: readonly Rule[] | undefined, report: Report): void {
  checkReachable(rules ?? [], report);
  for (const clause of rules?.flatMap((rule) => [rule.changes, rule.exists]) ?? []) checkGlobs(clause, report);
}

/** Finds patterns that can't be used. */
export function checkGlobs(clause: Rule['exists'] | PolicyPart['changes'], report: Report): void {
  for (const pattern of clause?.paths ?? []) {
    const problem = globProblem(pattern);
    if (problem === undefined) continue;
    report({ code: 'plan/bad-glob', severity: 'error', message: problem, ...(clause ? { span: clause.span } : {}) });
  }
}

/**
 * A rule is never reached if one before it has no conditions but some of its own: where this one holds, that one does.
 * Conditions are compared as they are written. What follows a rule without conditions is told once.
 */
function checkReachable(rules: readonly Rule[], report: Report): void {
  const before = new Map<string, Rule>();
  for (const rule of rules) {
    // What can't be read counts as `false`, and was told.
    if (rule.if?.value === 'false') continue;
    const earlier = firstOf(before, rule);
    if (earlier !== undefined) {
      const always = conditionsOf(earlier).length === 0;
      report({
        code: 'plan/unreachable-rule',
        severity: 'warning',
        message: `this rule is never reached: ${always ? 'the one before it always matches' : 'one before it matches whenever it does'}`,
        span: rule.span,
        hint: always ? 'move it before that one, or remove it' : 'move it before that one, or give it other conditions',
        ...(always ? {} : { related: [{ message: 'that rule', span: earlier.span }] }),
      });
      if (always) return;
    }
    const key = conditionsOf(rule).join('\n');
    if (!before.has(key)) before.set(key, rule);
  }
}

/** The rule before it that has some of its conditions and no others. */
function firstOf(before: ReadonlyMap<string, Rule>, rule: Rule): Rule | undefined {
  if (before.size === 0) return undefined;
  const conditions = conditionsOf(rule);
  // At most three conditions: each choice of them is a number of three bits.
  for (let choice = 0; choice < 1 << conditions.length; choice++) {
    const found = before.get(conditions.filter((_, index) => choice & (1 << index)).join('\n'));
    if (found) return found;
  }
  return undefined;
}

function conditionsOf({ if: condition, changes, exists }: Rule): readonly string[] {
  return [
    ...(condition ? [`if ${JSON.stringify(condition.value.trim())}`] : []),
    ...(changes ? [`changes ${JSON.stringify([changes.paths, changes.compareTo])}`] : []),
    ...(exists ? [`exists ${JSON.stringify({ ...exists, span: undefined })}`] : []),
  ];
}
