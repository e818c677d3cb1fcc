import { type Checked, type Diagnostic, hasErrors, type Report } from '../diagnostics/diagnostic.ts';
import { uniqueVariables } from '../expressions/merge-variables.ts';
import type { Context } from '../model/context.ts';
import type { Pipeline } from '../model/pipeline.ts';
import type { Decision, Plan, Selection } from '../model/plan.ts';
import type { Variable, VariableLayers } from '../model/variable.ts';
import { buildDecisions } from './build-decisions.ts';
import { type BuildInput, buildNodes } from './build-nodes.ts';
import { checkReferences, cycleDiagnostic } from './check-references.ts';
import { decideJobs, decideWorkflow, outerVariables, plainVariable, type WorkflowDecision } from './decide-jobs.ts';
import { policyEvaluator } from './evaluate-policy.ts';
import { ruleEvaluator } from './evaluate-rules.ts';
import { expandWith } from './expand-text.ts';
import { findCycle } from './find-cycle.ts';
import { indexJobs } from './job-index.ts';
import { jobNotices } from './job-notices.ts';
import { clauseJudges } from './judge-clauses.ts';
import { closeOverNeeds, type PlanGraph, planGraph, type SelectedJobs } from './plan-graph.ts';
import { selectDrafts, type UnknownSelector } from './select-drafts.ts';

/**
 * A plan, or why there is none: errors in the file (exit 3), or names on the command line that mean nothing (exit 2).
 */
export interface PlanResult extends Checked<Plan> {
  readonly unknownSelectors: readonly UnknownSelector[];
  /** Why each job is in or out, where errors keep the jobs that are in from being a plan; none is `selected`. */
  readonly decisions?: readonly Decision[];
}

/**
 * Decides what a run does: evaluates rules, multiplies `parallel` out, resolves needs, applies the selection. Pure but
 * for the questions that `changes` and `exists` put to `context.query`. Linear in jobs and edges.
 *
 * Selecting a job takes all that it waits for with it: its needs, or every job of earlier stages. A manual job that is
 * named, or that a named job needs, or that `selection.manual` holds, has `when: on_success` in its node, while its
 * decision keeps `when: manual`.
 */
export function plan(pipeline: Pipeline, given: Context, selection: Selection): PlanResult {
  const { context, below } = surroundings(pipeline, given);
  const diagnostics: Diagnostic[] = [...checkReferences(pipeline)];
  if (hasErrors(diagnostics)) return { value: undefined, diagnostics, unknownSelectors: [] };

  const { query, projects } = context;
  const judges = clauseJudges({ query, projects, report: onceForEachPlace(diagnostics) });
  const evaluate = ruleEvaluator(judges);
  const outer = outerVariables(context);
  const workflow = decideWorkflow(pipeline, outer, evaluate);
  const fromRule = workflow.kind === 'in' ? workflow.variables : [];
  const global = uniqueVariables(pipeline.variables.map(plainVariable), fromRule);
  const above = Object.freeze(uniqueVariables(context.projectVariables, context.pipelineVariables).map(plainVariable));
  const name = nameOf(pipeline, { belowDotenv: [...context.predefined, ...global], aboveDotenv: above });

  const index = indexJobs(pipeline);
  const drafts = decideJobs(index, { ...outer, global }, { rules: evaluate, policy: policyEvaluator(judges, context) });
  const graph = planGraph(drafts, index);
  const asked = selectDrafts(drafts, pipeline.stages, selection, graph.after);
  if (asked.unknown.length > 0) return { value: undefined, diagnostics, unknownSelectors: asked.unknown };

  const frame = frameOf(pipeline, name, workflow);
  const input = { index, graph, selection, context: withName(context, name), above, below };
  const out = leftOut(workflow.kind === 'out' ? workflow.because : undefined, asked.drafts, selection, pipeline);
  if (out !== undefined) return planLeftOut({ ...input, selected: nothing }, frame, out, diagnostics);
  const selected = closeOverNeeds(graph, asked);
  diagnostics.push(...selected.diagnostics, ...cycles(graph, index));
  return planSelected({ ...input, selected }, frame, diagnostics);
}

/** A plan without a node: each job is out for the same reason. */
function planLeftOut(
  input: BuildInput,
  frame: PlanFrame,
  leftOutBecause: string,
  diagnostics: readonly Diagnostic[],
): PlanResult {
  const because = `the whole pipeline is left out: ${leftOutBecause}`;
  const decisions = buildDecisions(input, []).map((each) => ({ ...each, included: false, ids: [], because }));
  if (hasErrors(diagnostics)) return { value: undefined, diagnostics, unknownSelectors: [], decisions };
  return { value: { ...frame, nodes: [], decisions, leftOutBecause, notices: [] }, diagnostics, unknownSelectors: [] };
}

function planSelected(input: BuildInput, frame: PlanFrame, diagnostics: readonly Diagnostic[]): PlanResult {
  if (hasErrors(diagnostics)) {
    return { value: undefined, diagnostics, unknownSelectors: [], decisions: buildDecisions(input, []) };
  }
  const nodes = buildNodes(input);
  const told = [...input.selected.notices, ...jobNotices(nodes, input.context.variableSets)];
  const notices = nodes.length === 0 && told.length === 0 ? ['no job is to run'] : told;
  const value = { ...frame, nodes, decisions: buildDecisions(input, nodes), notices };
  return { value, diagnostics, unknownSelectors: [] };
}

/** `workflow:name` with its variables filled in; undefined where nothing is left of it. */
function nameOf({ name }: Pipeline, layers: VariableLayers): string | undefined {
  return name === undefined ? undefined : expandWith(layers, name).trim() || undefined;
}

function withName(context: Context, name: string | undefined): Context {
  if (name === undefined) return context;
  return { ...context, predefined: [...context.predefined, { name: 'CI_PIPELINE_NAME', value: name, raw: true }] };
}

function frameOf(pipeline: Pipeline, name: string | undefined, workflow: WorkflowDecision): PlanFrame {
  return {
    ...(name === undefined ? {} : { name }),
    stages: pipeline.stages,
    ...(workflow.trace.length === 0 ? {} : { workflow: workflow.trace }),
    autoCancelOnJobFailure:
      workflow.kind === 'in' ? workflow.autoCancelOnJobFailure : pipeline.workflow.autoCancelOnJobFailure,
  };
}

/** The context as the pipeline wants it, and the variables that stand below all others. */
function surroundings(
  { predefined, givenVariables }: Pipeline,
  given: Context,
): { readonly context: Context; readonly below: readonly Variable[] } {
  const context = predefined === undefined ? given : { ...given, predefined };
  if (givenVariables === undefined) return { context, below: [] };
  const below = uniqueVariables(given.projectVariables, given.pipelineVariables).map(plainVariable);
  return { context: { ...context, projectVariables: [], pipelineVariables: [] }, below };
}

/** The same rule is judged for many jobs: what is wrong with it is told once. */
function onceForEachPlace(diagnostics: Diagnostic[]): Report {
  const told = new Set<string>();
  return (diagnostic) => {
    const key = `${diagnostic.code} ${diagnostic.span?.file}:${diagnostic.span?.start} ${diagnostic.message}`;
    if (!told.has(key)) diagnostics.push(diagnostic);
    told.add(key);
  };
}

type PlanFrame = Pick<Plan, 'name' | 'stages' | 'workflow' | 'autoCancelOnJobFailure'>;

const nothing: SelectedJobs = {
  drafts: new Set(),
  forced: new Set(),
  started: new Set(),
  diagnostics: [],
  notices: [],
};

/** Why there is no pipeline at all. Source: https://docs.gitlab.com/ci/yaml/#stage-pre */
function leftOut(
  because: string | undefined,
  asked: Parameters<typeof selectedStages>[0],
  selection: Selection,
  pipeline: Pipeline,
): string | undefined {
  if (because !== undefined) return because;
  const everything = selection.selectors.length === 0 && selection.stages.length === 0 && !selection.only;
  if (!everything || selection.from !== undefined || asked.size === 0) return undefined;
  const [first, last] = [pipeline.stages[0], pipeline.stages.at(-1)];
  const only = [...selectedStages(asked)].every(
    (stage) => (stage === '.pre' && stage === first) || (stage === '.post' && stage === last),
  );
  return only ? 'all its jobs are in the stages `.pre` and `.post`' : undefined;
}

function selectedStages(drafts: ReadonlySet<PlanGraph['drafts'][number]>): ReadonlySet<string> {
  return new Set([...drafts].map((draft) => draft.job.definition.stage.value));
}

/** Circles that come about by `rules:needs`; those of `needs` itself are found before. */
function cycles(graph: PlanGraph, index: ReturnType<typeof indexJobs>): readonly Diagnostic[] {
  if (graph.drafts.every((draft) => draft.needs === draft.job.definition.needs)) return [];
  const edges = new Map<string, readonly string[]>();
  for (const draft of graph.drafts) {
    const needs = draft.included ? (graph.needsOf(draft) ?? []) : [];
    edges.set(
      draft.leg.name,
      needs.flatMap(({ targets }) => targets.map((target) => target.leg.name)),
    );
  }
  const cycle = findCycle(edges);
  return cycle ? [cycleDiagnostic(cycle, index)] : [];
}
