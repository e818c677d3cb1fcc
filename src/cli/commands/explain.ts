import { locator } from '../../diagnostics/locate.ts';
import type { ClauseTrace, Decision, PolicyTrace, RuleTrace } from '../../model/plan.ts';
import { oneLine } from '../../reporters/terminal-text.ts';
import { nearest } from '../../util/nearest.ts';
import { CommandError, exitCodes } from '../exit-code.ts';
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
  const { decisions, leftOutBecause: leftOut, loaded } = await loadDecisions(invocation, options);
  const decision = decisions.find(({ name, ids }) => name === job || ids.includes(job));
  if (decision === undefined) {
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
  if (options.format === 'json') {
    const document = {
      ...toJson(decision),
      rules: decision.rules.map((rule) => ruleDocument(rule, loaded)),
      ...(decision.policy ? { policy: decision.policy.map((trace) => policyDocument(trace, loaded)) } : {}),
    };
    await printJson(invocation, {
      schema: 'ci/1',
      ...(leftOut === undefined ? {} : { pipelineLeftOutBecause: leftOut }),
      ...document,
    });
    return exitCodes.ok;
  }
  const head = leftOut === undefined ? [] : [`the whole pipeline is left out: ${leftOut}`, ''];
  await print(invocation.stdout, `${[...head, ...explanation(decision, loaded)].join('\n')}\n`);
  return exitCodes.ok;
}

function explanation(decision: Decision, loaded: LoadedDecisions['loaded']): string[] {
  const { name, stage, included, because, when, ids } = decision;
  const verdict = included ? `in the pipeline, ${when}` : 'not in the pipeline';
  const lines = [`${name} (stage ${stage}): ${verdict}`, `  because: ${because}`];
  if (decision.allowFailure !== false) lines.push('  it may fail');
  if (ids.length > 1) lines.push(`  as ${ids.join(', ')}`);
  if (decision.needs.length > 0) lines.push(`  needs ${decision.needs.map(({ job }) => job).join(', ')}`);
  const locate = locator(loaded.sources);
  decision.rules.forEach((rule, index) => {
    const place = locate(rule.span);
    const where = place === undefined ? rule.span.file : `${rule.span.file}:${place.start.line}`;
    lines.push('', `rule ${index + 1} (${where}): ${resultText(rule)}`, ...rule.clauses.flatMap(clauseLines));
  });
  for (const trace of decision.policy ?? []) {
    // What is taken for granted is worth a word only where it leaves the job out.
    if (trace.assumed && trace.holds) continue;
    const line = locate(trace.span)?.start.line;
    const where = line === undefined ? trace.span.file : `${trace.span.file}:${line}`;
    const head = trace.assumed ? `${trace.keyword}, not written but assumed` : `${trace.keyword} (${where})`;
    lines.push('', `${head}: ${trace.holds ? 'holds' : 'does not hold'}`, ...trace.clauses.flatMap(clauseLines));
  }
  return lines.map((line) => oneLine(line, { color: false }));
}

function clauseLines({ kind, text, result, values }: ClauseTrace): string[] {
  return [`  ${kind}: ${text}  → ${result}`, ...values.map((value) => `    ${value}`)];
}

function resultText(rule: RuleTrace): string {
  switch (rule.result) {
    case 'matched':
      return 'matches, so it decides';
    case 'not-matched':
      return 'does not match';
    case 'not-reached':
      return 'not reached';
  }
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
