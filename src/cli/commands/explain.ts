import { locator } from '../../diagnostics/locate.ts';
import type { Decision, PolicyTrace, RuleTrace } from '../../model/plan.ts';
import { nearest } from '../../util/nearest.ts';
import type { DecisionBelow } from '../downstream/decisions-below.ts';
import { CommandError, exitCodes } from '../exit-code.ts';
import { explanation } from '../explain-text.ts';
import { type Invocation, print, printJson } from '../invocation.ts';
import { type LoadedDecisions, loadDecisions } from '../load-plan.ts';
import type { PlanOptions } from '../options.ts';
import { toJson } from './list.ts';

export type ExplainOptions = PlanOptions & { readonly format: 'text' | 'json' };

/** `ci explain JOB`: walks the rules of a job and tells what each saw. */
export async function explain(
  invocation: Invocation,
  [job = '']: readonly string[],
  options: ExplainOptions,
): Promise<number> {
  const own = await loadDecisions(invocation, options);
  const found = await findDecision(invocation, own, job, options);
  if (found === undefined) {
    const { decisions } = own;
    const near = nearest(
      job,
      decisions.map(({ name }) => name),
    );
    throw new CommandError(
      exitCodes.usage,
      `there is no job \`${job}\``,
      near.length > 0 ? `nearest: ${near.join(', ')}` : '`ci list` shows what there is',
    );
  }
  const { decision, all, name: asked } = found;
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

/** Of the pipeline itself, else of those that its bridges would start. */
async function findDecision(
  invocation: Invocation,
  all: LoadedDecisions,
  job: string,
  options: ExplainOptions,
): Promise<DecisionBelow | undefined> {
  const decision = all.decisions.find(
    ({ name, ids, legs }) => name === job || ids.includes(job) || legs?.some((leg) => leg.name === job),
  );
  if (decision !== undefined) return { decision, all, name: job };
  if (!job.includes('/')) return undefined;
  const { decisionBelow } = await import('../downstream/decisions-below.ts');
  return decisionBelow(invocation, all, job, options);
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
