import { locator } from '../../diagnostics/locate.ts';
import type { Decision, PolicyTrace, RuleTrace } from '../../model/plan.ts';
import { findByShortName } from '../../plan/short-names.ts';
import { nearest } from '../../util/nearest.ts';
import type { DecisionBelow } from '../downstream/decisions-below.ts';
import { CommandError, exitCodes } from '../exit-code.ts';
import { explanation } from '../explain-text.ts';
import { type Invocation, print, printJson } from '../invocation.ts';
import { type LoadedDecisions, loadDecisions } from '../load-plan.ts';
import type { PlanOptions } from '../options.ts';
import { toJson } from './list.ts';

/** Options of `ci explain`; events and variables are those that the decision is to be explained for. */
export type ExplainOptions = PlanOptions & { readonly format: 'text' | 'json' };

/** `ci explain JOB`: walks the rules of a job and tells what each saw. */
export async function explain(
  invocation: Invocation,
  [job = '']: readonly string[],
  options: ExplainOptions,
): Promise<number> {
  const own = await loadDecisions(invocation, options);
  const { decision, all, name: asked } = await findDecision(invocation, own, job, options);
  if (options.format === 'json') {
    await printJson(invocation, explanationDocument(decision, all));
    return exitCodes.ok;
  }
  const { leftOutBecause } = all;
  const head = leftOutBecause === undefined ? [] : [`the whole pipeline is left out: ${leftOutBecause}`, ''];
  const lines = [...head, ...explanation(decision, all, asked, invocation.stdout.columns ?? 80)];
  await print(invocation.stdout, `${lines.join('\n')}\n`);
  return exitCodes.ok;
}

/**
 * Of the pipeline itself, else of those that its bridges would start, else what a short name means.
 * @throws CommandError exit 2 when it is no job, or may be several.
 */
async function findDecision(
  invocation: Invocation,
  all: LoadedDecisions,
  job: string,
  options: ExplainOptions,
): Promise<DecisionBelow> {
  const { decisions } = all;
  const named = decisions.find(
    ({ name, ids, legs }) => name === job || ids.includes(job) || legs?.some((leg) => leg.name === job),
  );
  if (named !== undefined) return { decision: named, all, name: job };
  if (job.includes('/')) {
    const { decisionBelow } = await import('../downstream/decisions-below.ts');
    const below = await decisionBelow(invocation, all, job, options);
    if (below !== undefined) return below;
  }
  const meant = shortlyNamed(job, all);
  if (meant.length === 1) return { decision: meant[0]!, all, name: meant[0]!.name };
  if (meant.length > 1) {
    const hint = `name one of them: ${meant.map(({ name }) => name).join(', ')}`;
    throw new CommandError(exitCodes.usage, `\`${job}\` means ${meant.length} jobs`, hint);
  }
  const near = nearest(
    job,
    decisions.map(({ name }) => name),
  );
  const hint = near.length > 0 ? `nearest: ${near.join(', ')}` : '`ci list` shows what there is';
  throw new CommandError(exitCodes.usage, `there is no job \`${job}\``, hint);
}

function shortlyNamed(job: string, { decisions, loaded }: LoadedDecisions): readonly Decision[] {
  const byName = new Map(decisions.map((decision) => [decision.name, decision]));
  const jobs = (loaded.compiled?.pipeline.jobs ?? []).flatMap((definition) => {
    const decision = byName.get(definition.name);
    return decision === undefined ? [] : [{ definition, included: decision.included, decision }];
  });
  return findByShortName(job, jobs)?.jobs.map(({ decision }) => decision) ?? [];
}

function explanationDocument(decision: Decision, { loaded, workflow, leftOutBecause }: LoadedDecisions): object {
  const { whenFrom, startInMs, scheduling, trigger, legs, policy, rules } = decision;
  const rulesDocument = (list: readonly RuleTrace[]): readonly object[] =>
    list.map((rule) => ruleDocument(rule, loaded));
  return {
    schema: 'ci/1',
    ...(leftOutBecause === undefined ? {} : { pipelineLeftOutBecause: leftOutBecause }),
    ...toJson(decision),
    ...(whenFrom === undefined ? {} : { whenFrom }),
    ...(startInMs === undefined ? {} : { startInMs }),
    scheduling,
    ...(trigger === undefined ? {} : { trigger }),
    ...(legs === undefined ? {} : { legs: legs.map((leg) => ({ ...leg, rules: rulesDocument(leg.rules) })) }),
    rules: rulesDocument(rules),
    ...(policy ? { policy: policy.map((trace) => policyDocument(trace, loaded)) } : {}),
    ...(workflow ? { workflow: rulesDocument(workflow) } : {}),
  };
}

function ruleDocument(rule: RuleTrace, loaded: LoadedDecisions['loaded']): object {
  return { ...placeDocument(rule, loaded), result: rule.result, clauses: rule.clauses };
}

function policyDocument(trace: PolicyTrace, loaded: LoadedDecisions['loaded']): object {
  const { keyword, assumed, holds, clauses } = trace;
  return { keyword, ...(assumed ? { assumed } : placeDocument(trace, loaded)), holds, clauses };
}

function placeDocument({ span }: RuleTrace | PolicyTrace, loaded: LoadedDecisions['loaded']): object {
  const place = locator(loaded.sources)(span);
  return { file: span.file, ...(place === undefined ? {} : { line: place.start.line, column: place.start.column }) };
}
