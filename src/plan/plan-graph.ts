import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { JobDefinition, Need } from '../model/pipeline.ts';
import type { WorkspaceSource } from '../model/plan.ts';
import type { Draft } from './decide-jobs.ts';
import { type JobIndex, neededLegs } from './job-index.ts';
import type { Asked } from './select-drafts.ts';

/** A need of one job with the jobs that it means, whether rules let them in or not. */
export interface ResolvedNeed {
  readonly need: Need;
  readonly targets: readonly Draft[];
}

/** Who waits for whom, before anything is selected. */
export interface PlanGraph {
  readonly drafts: readonly Draft[];
  /** Undefined: the job waits for all of earlier stages. Needs that name nothing are gone. */
  needsOf(draft: Draft): readonly ResolvedNeed[] | undefined;
  /** All jobs that rules let in and that wait for one of the given, directly or not, and the given themselves. */
  after(from: readonly Draft[]): Iterable<Draft>;
}

/** Resolves the needs of all jobs; linear in jobs and needs. */
export function planGraph(drafts: readonly Draft[], index: JobIndex): PlanGraph {
  const byName = new Map(drafts.map((draft) => [draft.leg.name, draft]));
  const resolved = new Map<Draft, readonly ResolvedNeed[]>();
  for (const draft of drafts) {
    if (!draft.needs) continue;
    const needs: ResolvedNeed[] = [];
    for (const need of draft.needs) {
      const named = index.find(need.job);
      // A job whose stage an incomplete pipeline does not know is as unknown as one that is not there.
      const legs = named && named.job.stageIndex >= 0 ? neededLegs(need, named, draft.leg) : [];
      const targets = legs.flatMap((leg) => byName.get(leg.name) ?? []);
      if (targets.length > 0) needs.push({ need, targets });
    }
    resolved.set(draft, needs);
  }
  return {
    drafts,
    needsOf: (draft) => resolved.get(draft),
    after: (from) => reachable(drafts, resolved, from),
  };
}

function reachable(
  drafts: readonly Draft[],
  resolved: ReadonlyMap<Draft, readonly ResolvedNeed[]>,
  from: readonly Draft[],
): ReadonlySet<Draft> {
  const dependents = new Map<Draft, Draft[]>();
  for (const [draft, needs] of resolved) {
    for (const target of needs.flatMap(({ targets }) => targets)) {
      const list = dependents.get(target);
      if (list) list.push(draft);
      else dependents.set(target, [draft]);
    }
  }
  const byStage = drafts
    .filter((draft) => draft.included && !resolved.has(draft))
    .sort((a, b) => a.job.stageIndex - b.job.stageIndex);
  const found = new Set<Draft>(from);
  const open = [...from];
  let firstStage = Number.POSITIVE_INFINITY;
  for (let draft = open.pop(); draft; draft = open.pop()) {
    for (const dependent of dependents.get(draft) ?? []) {
      if (!dependent.included || found.has(dependent)) continue;
      found.add(dependent);
      open.push(dependent);
    }
    firstStage = Math.min(firstStage, draft.job.stageIndex);
    // Jobs of later stages wait for it; those still in the list are taken from its end, each once.
    while (byStage.length > 0 && byStage.at(-1)!.job.stageIndex > firstStage) {
      const later = byStage.pop()!;
      if (found.has(later)) continue;
      found.add(later);
      open.push(later);
    }
  }
  return found;
}

/** The jobs of a run, after what is asked for and what that needs is known. */
export interface SelectedJobs {
  readonly drafts: ReadonlySet<Draft>;
  /** Left out by rules, but they run all the same. */
  readonly forced: ReadonlySet<Draft>;
  /** Manual ones that start without being asked. */
  readonly started: ReadonlySet<Draft>;
  readonly diagnostics: readonly Diagnostic[];
  readonly notices: readonly string[];
}

/**
 * Adds what the asked jobs wait for: their needs, or all of earlier stages. A need that rules left out is an error
 * unless it is optional, as when GitLab creates a pipeline; but what a *named* job needs runs like that job itself,
 * whatever rules say, and is started if it is manual.
 */
export function closeOverNeeds(graph: PlanGraph, asked: Asked): SelectedJobs {
  const selected = new Set(asked.drafts);
  const forced = new Set([...asked.drafts].filter((draft) => !draft.included));
  const started = new Set(asked.started);
  const diagnostics: Diagnostic[] = [];
  const notices = [...asked.notices];
  for (const draft of forced) notices.push(`job \`${draft.leg.name}\` runs although it is left out: ${draft.because}`);
  if (asked.closure === 'none') return { drafts: selected, forced, started, diagnostics, notices };

  // What is willed comes first, so that its will reaches what it needs before others ask for the same.
  const willed = new Set<Draft>(asked.named);
  const open = [...asked.drafts].sort((a, b) => Number(willed.has(a)) - Number(willed.has(b)));
  const stages = earlierStages(graph);
  const take = (draft: Draft): void => {
    if (selected.has(draft)) return;
    selected.add(draft);
    open.push(draft);
  };
  for (let draft = open.pop(); draft; draft = open.pop()) {
    const needs = graph.needsOf(draft);
    if (!needs) for (const earlier of stages(draft.job.stageIndex)) take(earlier);
    for (const { need, targets } of needs ?? []) {
      const present = targets.filter((target) => target.included || forced.has(target));
      if (present.length === 0 && !need.optional && willed.has(draft)) {
        for (const target of targets) {
          forced.add(target);
          present.push(target);
          notices.push(
            `job \`${target.leg.name}\` runs although it is left out (${target.because}): \`${draft.leg.name}\` needs it`,
          );
        }
      } else if (present.length === 0 && !need.optional) diagnostics.push(leftOut(draft, need, targets));
      for (const target of present) {
        if (willed.has(draft) && !willed.has(target)) {
          willed.add(target);
          if (target.when === 'manual') started.add(target);
          if (selected.has(target)) open.push(target);
        }
        take(target);
      }
    }
  }
  return { drafts: selected, forced, started, diagnostics: unique(diagnostics), notices };
}

/** Gives the jobs of stages before the given one; each job once in all, however often it is called. */
function earlierStages(graph: PlanGraph): (stageIndex: number) => readonly Draft[] {
  const waiting = graph.drafts.filter((draft) => draft.included).sort((a, b) => a.job.stageIndex - b.job.stageIndex);
  let next = 0;
  return (stageIndex) => {
    const start = next;
    while (next < waiting.length && waiting[next]!.job.stageIndex < stageIndex) next++;
    return waiting.slice(start, next);
  };
}

function leftOut(draft: Draft, need: Need, targets: readonly Draft[]): Diagnostic {
  return {
    code: 'plan/need-left-out',
    severity: 'error',
    message: `job \`${draft.job.definition.name}\` needs \`${need.job}\`, which is not in this pipeline: ${targets[0]!.because}`,
    span: need.span,
    hint: 'write `optional: true` if it can do without, or give both the same rules',
    related: [{ message: 'the needed job', span: targets[0]!.job.definition.span }],
  };
}

/** One diagnostic a place: the legs of a parallel job all say the same. */
function unique(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const byPlace = new Map<string, Diagnostic>();
  for (const diagnostic of diagnostics) {
    const { span } = diagnostic;
    const key = `${span?.file}:${span?.start}:${diagnostic.message}`;
    if (!byPlace.has(key)) byPlace.set(key, diagnostic);
  }
  return [...byPlace.values()];
}

/** Does the job take part in the workspace of its pipeline, and how? */
function takesPart(definition: JobDefinition, kind: 'attach-workspace' | 'persist-workspace'): boolean {
  return definition.kind === 'job' && definition.steps.some((step) => step.kind === kind);
}

/**
 * Whose files a job finds in the workspace: all jobs of the pipeline that persist some and have to end before it, in graph order
 * (needed ones first), also those that this run does not run. Costs as much as the part of the graph before the job, so it is
 * made for jobs that attach the workspace.
 */
export function workspaceFrom(draft: Draft, graph: PlanGraph): readonly WorkspaceSource[] | undefined {
  if (!takesPart(draft.job.definition, 'attach-workspace')) return undefined;
  const needsOf = (of: Draft): readonly Draft[] =>
    graph.needsOf(of)?.flatMap(({ targets }) => targets) ??
    graph.drafts.filter(({ included, job }) => included && job.stageIndex < of.job.stageIndex);
  /** Of those that persist: whatever came before each. */
  const before = new Map<Draft, ReadonlySet<string>>();
  const order: WorkspaceSource[] = [];
  const stack: { readonly at: Draft; readonly left: boolean }[] = [{ at: draft, left: false }];
  while (stack.length > 0) {
    const { at, left } = stack.pop()!;
    if (before.has(at)) continue;
    const needs = needsOf(at);
    if (!left) {
      stack.push({ at, left: true });
      for (const need of [...needs].reverse()) if (!before.has(need)) stack.push({ at: need, left: false });
      continue;
    }
    const ids = new Set<string>();
    for (const need of needs) {
      if (takesPart(need.job.definition, 'persist-workspace')) ids.add(need.leg.name);
      for (const id of before.get(need) ?? []) ids.add(id);
    }
    before.set(at, ids);
    const persists = takesPart(at.job.definition, 'persist-workspace');
    if (at !== draft && persists) order.push({ id: at.leg.name, after: [...ids] });
  }
  return order;
}
