import { locator } from '../diagnostics/locate.ts';
import type { Trigger } from '../model/pipeline.ts';
import type { ClauseTrace, Decision, PolicyTrace, RuleTrace } from '../model/plan.ts';
import { displayWidth } from '../reporters/display-width.ts';
import { oneLine } from '../reporters/terminal-text.ts';
import { formatDuration } from '../util/duration.ts';
import type { LoadedDecisions } from './load-plan.ts';

/** The lines that explain one job, no longer than `columns` where words allow. @param asked the name that was asked for. */
export function explanation(decision: Decision, all: LoadedDecisions, asked: string, columns: number): string[] {
  const { name, stage, ids } = decision;
  const leg = decision.legs?.find((one) => one.name === asked);
  const subject = leg ?? decision;
  const verdict = subject.included ? `in the pipeline, ${subject.when}` : 'not in the pipeline';
  const where = locator(all.loaded.sources);
  const place = (span: RuleTrace['span']): string => {
    const line = where(span)?.start.line;
    return line === undefined ? span.file : `${span.file}:${line}`;
  };
  const lines = [
    `${leg ? leg.name : name} (stage ${stage}): ${verdict}`,
    `  because: ${subject.because}`,
    ...(subject.included ? whenLines(decision) : []),
    ...(decision.allowFailure === false ? [] : [`  it may fail${exitCodesText(decision)}`]),
    ...(decision.trigger ? [`  starts ${triggerText(decision.trigger)}`] : []),
    ...(leg === undefined ? legLines(decision) : []),
    ...needLines(decision, all),
    ...(leg === undefined && decision.legs === undefined && ids.length > 1 ? [`  as ${ids.join(', ')}`] : []),
    ...subject.rules.flatMap((rule, index) => ruleLines(`rule ${index + 1}`, rule, place)),
    ...(decision.policy ?? []).flatMap((trace) => policyLines(trace, place)),
    ...(all.workflow ?? []).flatMap((rule, index) => ruleLines(`workflow rule ${index + 1}`, rule, place)),
  ];
  return lines.flatMap((line) => wrap(oneLine(line, { color: false }), columns));
}

/** Why the job does not simply start when its turn comes. */
function whenLines({ when, whenFrom, startInMs, rules, allowFailure }: Decision): readonly string[] {
  if (whenFrom === undefined) return [];
  const rule = rules.findIndex(({ result }) => result === 'matched') + 1;
  const who = whenFrom === 'rule' ? `rule ${rule} says so` : 'the job says so';
  switch (when) {
    case 'manual':
      return [`  manual: ${who}${allowFailure === false ? '; what comes after it waits for it' : ''}`];
    case 'delayed':
      return [`  delayed${startInMs === undefined ? '' : ` by ${formatDuration(startInMs)}`}: ${who}`];
    default:
      return [`  ${when}: ${who}`];
  }
}

function exitCodesText({ allowFailure }: Decision): string {
  return typeof allowFailure === 'object' ? ` with exit code ${allowFailure.exitCodes.join(', ')}` : '';
}

function triggerText(trigger: Trigger): string {
  switch (trigger.kind) {
    case 'child':
      if (trigger.continues)
        return `what the pipeline goes on with: ${trigger.files.map(({ name }) => name).join(', ')}`;
      return `a child pipeline of ${trigger.files.map(({ name }) => name).join(', ')}${strategyText(trigger.strategy)}`;
    case 'project': {
      const branch = trigger.branch === undefined ? '' : ` on ${trigger.branch}`;
      return `the pipeline of ${trigger.project.value}${branch}${strategyText(trigger.strategy)}`;
    }
    case 'followed':
      return `nothing, but ends as the newest pipeline of ${trigger.project.value}`;
  }
}

function strategyText(strategy: 'none' | 'depend' | 'mirror'): string {
  return strategy === 'none' ? '' : `, strategy ${strategy}`;
}

function legLines({ legs = [] }: Decision): readonly string[] {
  if (legs.length === 0) return [];
  const told = new Set(legs.map(({ included, because }) => `${included} ${because}`));
  if (told.size === 1) return [`  as ${legs.map(({ name }) => name).join(', ')}`];
  return ['  its legs:', ...legs.map(({ name, included, because }) => `    ${name}: ${inOrOut(included)}, ${because}`)];
}

function needLines(decision: Decision, { decisions, loaded }: LoadedDecisions): readonly string[] {
  if (decision.scheduling === 'stage') {
    const stages = loaded.compiled?.pipeline.stages ?? [];
    const earlier = new Set(stages.slice(0, stages.indexOf(decision.stage)));
    const before = [
      ...new Set(decisions.filter(({ stage, included }) => included && earlier.has(stage)).map(({ stage }) => stage)),
    ];
    return before.length === 0 ? [] : [`  waits for all jobs of the stages before it: ${before.join(', ')}`];
  }
  if (decision.needs.length === 0) return ['  waits for nothing: `needs` is an empty list'];
  return ['  needs:', ...decision.needs.map((need) => `    ${need.job}: ${needText(need, decisions)}`)];
}

function needText({ job, optional, artifacts }: Decision['needs'][number], decisions: readonly Decision[]): string {
  const needed = decisions.find(
    ({ name, ids, legs }) => name === job || ids.includes(job) || legs?.some((leg) => leg.name === job),
  );
  const state =
    needed === undefined
      ? 'does not exist'
      : `${inOrOut(needed.included)}${needed.included ? '' : `: ${needed.because}`}`;
  return [state, ...(optional ? ['optional'] : []), ...(artifacts ? [] : ['without its artifacts'])].join(', ');
}

function inOrOut(included: boolean): string {
  return included ? 'in' : 'not in the pipeline';
}

type Place = (span: RuleTrace['span']) => string;

function ruleLines(title: string, rule: RuleTrace, place: Place): readonly string[] {
  return ['', `${title} (${place(rule.span)}): ${resultText(rule)}`, ...rule.clauses.flatMap(clauseLines)];
}

function policyLines(trace: PolicyTrace, place: Place): readonly string[] {
  // What is taken for granted is worth a word only where it leaves the job out.
  if (trace.assumed && trace.holds) return [];
  const head = trace.assumed ? `${trace.keyword}, not written but assumed` : `${trace.keyword} (${place(trace.span)})`;
  return ['', `${head}: ${trace.holds ? 'holds' : 'does not hold'}`, ...trace.clauses.flatMap(clauseLines)];
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

/** Breaks a line between words; what follows is set in further. A word that is too long stays whole. */
function wrap(line: string, columns: number): string[] {
  if (displayWidth(line) <= columns) return [line];
  const indent = `${/^ */.exec(line)![0]}    `;
  const lines: string[] = [];
  let at = '';
  for (const word of line.split(/(?<=\S)(?= )/)) {
    if (at !== '' && displayWidth(at + word) > columns) {
      lines.push(at);
      at = indent + word.trimStart();
    } else at += word;
  }
  return [...lines, at];
}
