import type { Context } from '../model/context.ts';
import { isJobOnly } from '../model/job-only-variables.ts';
import type { AllowFailure, JobDefinition, Need, Pipeline, Rule, When } from '../model/pipeline.ts';
import type { PolicyTrace, RuleTrace } from '../model/plan.ts';
import type { Variable, VariableDefinition } from '../model/variable.ts';
import type { EvaluatePolicy } from './evaluate-policy.ts';
import type { EvaluateRules } from './evaluate-rules.ts';
import type { Leg } from './expand-legs.ts';
import type { FindVariable } from './expand-text.ts';
import type { ExpandedJob, JobIndex } from './job-index.ts';
import { variablesInRules } from './variables-in-rules.ts';

/** One job as it may become a node: what rules made of it. */
export interface Draft {
  readonly job: ExpandedJob;
  readonly leg: Leg;
  /** Position in file order, counting legs. */
  readonly order: number;
  readonly included: boolean;
  /** Why it is in or out, one clause. */
  readonly because: string;
  /** `never` when it is out. */
  readonly when: When;
  /** See Decision.whenFrom. */
  readonly whenFrom?: 'rule' | 'job';
  readonly startInMs?: number;
  readonly allowFailure: AllowFailure;
  readonly needs?: readonly Need[];
  readonly interruptible: boolean;
  /** Global variables that it inherits, its own, those of its matrix, those of the rule; later ones win. */
  readonly variables: readonly Variable[];
  readonly rules: readonly RuleTrace[];
  readonly policy?: readonly PolicyTrace[];
}

/** Variables that hold for all jobs. */
export interface PipelineVariables {
  /** Global ones of the file, with those of the `workflow:rules` entry that matched. */
  readonly global: readonly Variable[];
  readonly predefined: ReadonlyMap<string, Variable>;
  readonly above: ReadonlyMap<string, Variable>;
}

/** By name; the last of a name wins. */
export function byName(...lists: readonly (readonly Variable[])[]): ReadonlyMap<string, Variable> {
  return new Map(lists.flat().map((variable) => [variable.name, variable]));
}

/** A variable as a definition of the file makes it, without what is only for people. */
export function plainVariable({ name, value, raw, file, masked }: VariableDefinition | Variable): Variable {
  return { name, value, ...(raw ? { raw } : {}), ...(file ? { file } : {}), ...(masked ? { masked } : {}) };
}

/** The variables of a context that stand above and below those of the file. */
export function outerVariables(context: Context): Omit<PipelineVariables, 'global'> {
  return {
    predefined: byName(context.predefined.filter(({ name }) => !isJobOnly(name))),
    above: byName(context.projectVariables, context.pipelineVariables),
  };
}

/** Does the pipeline exist? `variables` are those of the rule that matched; `because` is one clause. */
export type WorkflowDecision = { readonly trace: readonly RuleTrace[] } & (
  | { readonly kind: 'in'; readonly variables: readonly Variable[]; readonly autoCancelOnJobFailure: 'none' | 'all' }
  | { readonly kind: 'out'; readonly because: string }
);

/** Does the pipeline exist at all? Source: https://docs.gitlab.com/ci/yaml/workflow/ */
export function decideWorkflow(
  pipeline: Pipeline,
  outer: Omit<PipelineVariables, 'global'>,
  evaluate: EvaluateRules,
): WorkflowDecision {
  const { rules, autoCancelOnJobFailure } = pipeline.workflow;
  if (!rules) return { kind: 'in', variables: [], autoCancelOnJobFailure, trace: [] };
  const own = byName(pipeline.variables);
  const { matched, trace } = evaluate(rules, finder(outer.above, own, outer.predefined));
  if (!matched) return { kind: 'out', because: 'no rule of workflow:rules matches', trace };
  const { rule, number } = matched;
  if (rule.when === 'never') return { kind: 'out', because: `workflow rule ${number} says \`when: never\``, trace };
  return {
    kind: 'in',
    variables: (rule.variables ?? []).map(plainVariable),
    autoCancelOnJobFailure: rule.autoCancelOnJobFailure ?? autoCancelOnJobFailure,
    trace,
  };
}

/** What decides whether a job is in. */
export interface JobJudges {
  readonly rules: EvaluateRules;
  readonly policy: EvaluatePolicy;
}

/** What rules, or `only` and `except`, make of every job and leg, in file order. */
export function decideJobs(index: JobIndex, shared: PipelineVariables, judges: JobJudges): readonly Draft[] {
  const drafts: Draft[] = [];
  for (const job of index.jobs) {
    for (const leg of job.legs) drafts.push(decideLeg(job, leg, drafts.length, shared, judges));
  }
  return drafts;
}

function decideLeg(job: ExpandedJob, leg: Leg, order: number, shared: PipelineVariables, judges: JobJudges): Draft {
  const { definition } = job;
  const own = [...inherited(definition, shared.global), ...definition.variables.map(plainVariable), ...leg.variables];
  const base = { job, leg, order, rules: [], variables: own };
  const leftOut = job.stageIndex < 0 ? 'its stage does not exist' : definition.leftOutBecause;
  if (leftOut !== undefined) {
    return { ...base, ...settings(definition, undefined), included: false, when: 'never', because: leftOut };
  }
  const known = finder(shared.above, byName(own), shared.predefined);
  const find: FindVariable = variablesInRules(definition, leg, known);
  if (!definition.rules) {
    const made = settings(definition, undefined);
    const { includedBecause = 'it has no rules' } = definition;
    if (!definition.refPolicy) return { ...base, ...made, included: true, because: includedBecause };
    const { included, because, trace } = judges.policy(definition.refPolicy, find);
    return { ...base, ...made, ...(included ? {} : { when: 'never' }), included, because, policy: trace };
  }
  const { matched, trace } = judges.rules(definition.rules, find);
  if (!matched) {
    const out = { included: false, when: 'never', because: 'no rule matches' } as const;
    return { ...base, ...settings(definition, undefined), ...out, rules: trace };
  }
  const { rule, number } = matched;
  const made = settings(definition, rule);
  return {
    ...base,
    ...made,
    included: made.when !== 'never',
    because: made.when === 'never' ? `rule ${number} says \`when: never\`` : `rule ${number} matches`,
    variables: [...own, ...(rule.variables ?? []).map(plainVariable)],
    rules: trace,
  };
}

/** What a job's own keywords and the matching rule say together; the rule wins. */
function settings(
  definition: JobDefinition,
  rule: Rule | undefined,
): Pick<Draft, 'when' | 'whenFrom' | 'startInMs' | 'allowFailure' | 'needs' | 'interruptible'> {
  const startInMs = rule?.startInMs ?? definition.startInMs;
  const needs = rule?.needs ?? definition.needs;
  return {
    when: rule?.when ?? definition.when,
    ...(rule?.when
      ? { whenFrom: 'rule' as const }
      : definition.when !== 'on_success'
        ? { whenFrom: 'job' as const }
        : {}),
    ...(startInMs === undefined ? {} : { startInMs }),
    // A job whose own `when` is manual may fail by default, also if it has rules; one that a rule makes manual may not.
    // https://docs.gitlab.com/ci/yaml/#allow_failure, lib/gitlab/ci/config/entry/job.rb (`ignored?`)
    allowFailure: rule?.allowFailure ?? definition.allowFailure ?? definition.when === 'manual',
    ...(needs === undefined ? {} : { needs }),
    interruptible: rule?.interruptible ?? definition.interruptible,
  };
}

function inherited(definition: JobDefinition, global: readonly Variable[]): readonly Variable[] {
  const { inheritVariables } = definition;
  if (inheritVariables === true) return global;
  return inheritVariables === false ? [] : global.filter(({ name }) => inheritVariables.includes(name));
}

/** Looks into maps in order of precedence, highest first. */
export function finder(...maps: readonly ReadonlyMap<string, Variable>[]): FindVariable {
  return (name) => {
    for (const map of maps) {
      const found = map.get(name);
      if (found) return found;
    }
    return undefined;
  };
}
