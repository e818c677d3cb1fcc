import { uniqueVariables } from '../expressions/merge-variables.ts';
import type { Context } from '../model/context.ts';
import type { ExecutorName } from '../model/job-spec.ts';
import type { JobDefinition } from '../model/pipeline.ts';
import type { PlanEdge, PlanNode, Selection } from '../model/plan.ts';
import type { Variable } from '../model/variable.ts';
import { assertNever } from '../util/assert-never.ts';
import type { Draft } from './decide-jobs.ts';
import type { JobIndex } from './job-index.ts';
import { jobVariables } from './job-variables.ts';
import { type PlanGraph, type SelectedJobs, workspaceFrom } from './plan-graph.ts';

/** What nodes are built of: the jobs that are in, which of them were asked for, and what stands around them. */
export interface BuildInput {
  readonly index: JobIndex;
  readonly graph: PlanGraph;
  readonly selected: SelectedJobs;
  readonly selection: Selection;
  readonly context: Context;
  /** Project and pipeline variables. */
  readonly above: readonly Variable[];
  /** The same, where they stand below all others. */
  readonly below: readonly Variable[];
}

/** `auto`: Docker for a job that names an image, else the shell. */
export function executorOf(definition: JobDefinition, selection: Selection): ExecutorName {
  if (selection.executor !== 'auto') return selection.executor;
  return definition.kind === 'job' && definition.image ? 'docker' : 'shell';
}

/** Makes the nodes of a plan, in stage order, then file order. Jobs of a stage share their lists of edges. */
export function buildNodes(input: BuildInput): readonly PlanNode[] {
  const { graph, selected } = input;
  const inOrder = (drafts: Iterable<Draft>): readonly Draft[] =>
    [...drafts].sort((a, b) => a.job.stageIndex - b.job.stageIndex || a.order - b.order);
  const running = inOrder(selected.drafts);
  const producing = inOrder(
    graph.drafts.filter((draft) => (draft.included || selected.forced.has(draft)) && uploads(draft.job.definition)),
  );
  const wiring: Wiring = {
    ...input,
    producers: new Set(producing),
    stageEdges: sharedByStage(running, (draft): PlanEdge => ({ id: draft.leg.name })),
    stageArtifacts: sharedByStage(producing, (draft) => draft.leg.name),
  };
  return running.map((draft) => buildNode(draft, wiring));
}

interface Wiring extends BuildInput {
  readonly producers: ReadonlySet<Draft>;
  readonly stageEdges: (stageIndex: number) => readonly PlanEdge[];
  readonly stageArtifacts: (stageIndex: number) => readonly string[];
}

function uploads(definition: JobDefinition): boolean {
  return definition.kind === 'job' && definition.steps.some((step) => step.kind === 'upload-artifacts');
}

/** One frozen list a stage, of all before it; made when first asked for. */
function sharedByStage<T>(drafts: readonly Draft[], make: (draft: Draft) => T): (stageIndex: number) => readonly T[] {
  const items = drafts.map((draft) => ({ stageIndex: draft.job.stageIndex, item: make(draft) }));
  const lists = new Map<number, readonly T[]>();
  return (stageIndex) => {
    const known = lists.get(stageIndex);
    if (known) return known;
    const list = Object.freeze(items.filter((one) => one.stageIndex < stageIndex).map(({ item }) => item));
    lists.set(stageIndex, list);
    return list;
  };
}

function buildNode(draft: Draft, wiring: Wiring): PlanNode {
  const { selected, selection, context, above, below } = wiring;
  const { definition, stageIndex } = draft.job;
  const when = draft.when === 'never' ? definition.when : draft.when;
  const started = when === 'manual' && (selected.started.has(draft) || selected.forced.has(draft));
  const timeoutMs = (definition.kind === 'job' ? definition.timeoutMs : undefined) ?? selection.defaultTimeoutMs;
  const manual = when === 'manual' || when === 'delayed';
  const variables = jobVariables({ draft, context, above, below, number: draft.order + 1, timeoutMs, manual });
  const base = {
    id: draft.leg.name,
    name: draft.leg.name,
    group: definition.name,
    stage: definition.stage.value,
    stageIndex,
    when: started ? ('on_success' as const) : when,
    ...(when === 'delayed' && draft.startInMs !== undefined ? { startInMs: draft.startInMs } : {}),
    allowFailure: draft.allowFailure,
    scheduling: draft.needs ? ('dag' as const) : ('stage' as const),
    needs: edges(draft, wiring),
    variables: variables.layers,
    ...(variables.resourceGroup === undefined ? {} : { resourceGroup: variables.resourceGroup }),
    interruptible: draft.interruptible,
  };
  switch (definition.kind) {
    case 'job': {
      const executor = executorOf(definition, selection);
      const attached = workspaceFrom(draft, wiring.graph);
      return {
        ...base,
        kind: 'job',
        executor,
        definition,
        artifactsFrom: artifactsFrom(draft, wiring),
        ...(attached === undefined ? {} : { workspaceFrom: attached }),
        timeoutMs,
      };
    }
    case 'bridge':
      return {
        ...base,
        kind: 'bridge',
        definition,
        artifactsFrom: artifactsFrom(draft, wiring),
        fileVariables: uniqueVariables(draft.variables),
      };
    case 'approval':
      return { ...base, kind: 'approval', definition };
    default:
      return assertNever(definition);
  }
}

/** Needs that are not part of the run (`--no-needs`, `--from`, optional ones) are no edges. */
function edges(draft: Draft, { graph, selected, stageEdges }: Wiring): readonly PlanEdge[] {
  const needs = graph.needsOf(draft);
  if (!needs) return stageEdges(draft.job.stageIndex);
  const found = new Map<string, PlanEdge>();
  for (const { need, targets } of needs) {
    for (const target of targets) {
      const id = target.leg.name;
      if (!selected.drafts.has(target) || found.has(id)) continue;
      found.set(id, need.statuses ? { id, statuses: need.statuses } : { id });
    }
  }
  return [...found.values()];
}

/**
 * Whose artifacts the job receives: `dependencies`, else those of `needs` with artifacts, else all of earlier stages.
 * Jobs that upload nothing are left out. May name jobs that are in the pipeline but not in this run (`--from`).
 * Source: https://docs.gitlab.com/ci/yaml/#dependencies
 */
function artifactsFrom(draft: Draft, { index, graph, producers, stageArtifacts }: Wiring): readonly string[] {
  const { definition } = draft.job;
  const dependencies = definition.kind === 'job' ? definition.dependencies : undefined;
  const needs = graph.needsOf(draft);
  if (!dependencies && !needs) return stageArtifacts(draft.job.stageIndex);
  const wanted = new Set<string>();
  for (const { value } of dependencies ?? []) {
    const named = index.find(value);
    for (const leg of named?.leg ? [named.leg] : (named?.job.legs ?? [])) wanted.add(leg.name);
  }
  const needed = (needs ?? []).flatMap(({ need, targets }) => (need.artifacts ? targets : []));
  if (!dependencies) return inPlanOrder(needed.filter((target) => producers.has(target)));
  // Without needs nothing of its own stage has run before it.
  const before = (target: Draft): boolean => needs !== undefined || target.job.stageIndex < draft.job.stageIndex;
  return inPlanOrder([...producers].filter((target) => wanted.has(target.leg.name) && before(target)));
}

function inPlanOrder(drafts: readonly Draft[]): readonly string[] {
  const sorted = [...new Set(drafts)].sort((a, b) => a.job.stageIndex - b.job.stageIndex || a.order - b.order);
  return sorted.map((draft) => draft.leg.name);
}
