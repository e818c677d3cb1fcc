import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { Sources } from '../diagnostics/locate.ts';
import type { Context } from '../model/context.ts';
import type { Pipeline } from '../model/pipeline.ts';
import type { Decision, Plan, Selection } from '../model/plan.ts';
import { type PlanResult, plan } from '../plan/plan.ts';
import { splitSelection } from '../plan/split-selection.ts';
import type { Previews } from './downstream/preview-downstream.ts';
import { CommandError, exitCodes } from './exit-code.ts';
import type { Invocation } from './invocation.ts';
import { isValid, type LoadedPipeline, loadPipeline } from './load-pipeline.ts';
import type { PlanOptions, SelectionOptions } from './options.ts';
import { requireValid, tellDiagnostics } from './report-diagnostics.ts';
import { withSettings } from './settings.ts';

/** One hour, as on GitLab. */
const defaultTimeoutMs = 3_600_000;

/** A pipeline that was read and planned without an error. */
export interface LoadedPlan {
  readonly loaded: LoadedPipeline;
  readonly plan: Plan;
  /** What was asked for, of the pipeline and of those that its bridges start. */
  readonly selection: Selection;
}

/**
 * Reads the pipeline and plans what the selection asks for; diagnostics go to stderr.
 * @throws CommandError exit 3 for an invalid file, exit 2 for a selector that means nothing.
 */
export async function loadPlan(
  invocation: Invocation,
  selectors: readonly string[],
  options: PlanOptions,
): Promise<LoadedPlan> {
  return planLoaded(invocation, await loadPipeline(invocation, options), selectors, options);
}

/**
 * Plans what the selection asks for of a pipeline that was read; diagnostics go to stderr.
 * @param more.only exactly these job ids, for `--failed`.
 * @throws CommandError exit 3 for an invalid file, exit 2 for a selector that means nothing.
 */
export async function planLoaded(
  invocation: Invocation,
  loaded: LoadedPipeline,
  selectors: readonly string[],
  options: PlanOptions,
  more: { readonly only?: readonly string[]; readonly quiet?: boolean } = {},
): Promise<LoadedPlan> {
  const compiled = loaded.compiled;
  const { only, quiet = false } = more;
  const selection = selectionOf(selectors, withSettings(options, loaded.settings), only);
  const result = compiled === undefined ? undefined : planOwn(compiled.pipeline, loaded.context, selection);
  await requireValid(invocation, loaded, { ...options, quiet }, result?.diagnostics);
  refuseUnknown(result!);
  return { loaded, plan: result!.value!, selection };
}

/** A plan with what its bridges would start. */
export interface WholePlan extends LoadedPlan {
  readonly previews: Previews;
}

/**
 * As `loadPlan`, with the pipelines that bridges would start, as far as files that are there tell. What is wrong with those is
 * told and is no reason to end: it makes the bridge fail, and the rest goes on.
 */
export async function loadWholePlan(
  invocation: Invocation,
  selectors: readonly string[],
  options: PlanOptions,
): Promise<WholePlan> {
  const loadedPlan = await loadPlan(invocation, selectors, options);
  const { loaded, plan: planned, selection } = loadedPlan;
  if (!planned.nodes.some(({ kind }) => kind === 'bridge')) return { ...loadedPlan, previews: new Map() };
  const { previewDownstream } = await import('./downstream/preview-downstream.ts');
  const { projectOpener } = await import('./downstream/open-project.ts');
  const { originOf } = await import('./downstream/origin-of.ts');
  const open = projectOpener(invocation, loaded, { flags: options.project ?? [], policy: 'never' });
  const found: { readonly sources: Sources; readonly diagnostics: readonly Diagnostic[] }[] = [];
  const previews = await previewDownstream(
    originOf(loaded, { selection, pipelineId: '1', open }),
    planned,
    (diagnostics, { sources }) => found.push({ sources, diagnostics }),
  );
  for (const { sources, diagnostics } of found) {
    await tellDiagnostics(invocation, { ...loaded, sources }, options, diagnostics);
  }
  return { ...loadedPlan, previews };
}

/** Of the pipeline itself; what is asked of others is for those who make them. */
function planOwn(pipeline: Pipeline, context: Context, selection: Selection): PlanResult {
  return plan(pipeline, context, splitSelection(pipeline, selection).own);
}

/** Why each job of a pipeline is in or out, also where no plan could be made of those that are in. */
export interface LoadedDecisions extends Pick<Plan, 'leftOutBecause' | 'workflow'> {
  readonly loaded: LoadedPipeline;
  readonly decisions: readonly Decision[];
}

/**
 * Reads the pipeline and decides which jobs are in; diagnostics go to stderr. That jobs which are in need others that
 * are not is told, but no reason to end: it is what one wants explained.
 * @throws CommandError exit 3 for an invalid file.
 */
export async function loadDecisions(invocation: Invocation, options: PlanOptions): Promise<LoadedDecisions> {
  const loaded = await loadPipeline(invocation, options);
  const selection = selectionOf([], withSettings(options, loaded.settings), undefined);
  const result = loaded.compiled && plan(loaded.compiled.pipeline, loaded.context, selection);
  if (isValid(loaded) && result?.decisions) {
    await tellDiagnostics(invocation, loaded, options, [...loaded.diagnostics, ...result.diagnostics]);
    return { loaded, decisions: result.decisions };
  }
  await requireValid(invocation, loaded, options, result?.diagnostics);
  refuseUnknown(result!);
  const { decisions, leftOutBecause, workflow } = result!.value!;
  return {
    loaded,
    decisions,
    ...(leftOutBecause === undefined ? {} : { leftOutBecause }),
    ...(workflow === undefined ? {} : { workflow }),
  };
}

/** The whole pipeline, nothing special asked for. */
export const defaultSelection: Selection = selectionOf([], {}, undefined);

/** The plan of a loaded pipeline without telling anybody about problems; undefined if there is none. */
export function planOf(loaded: LoadedPipeline, selection: Selection): Plan | undefined {
  return loaded.compiled && plan(loaded.compiled.pipeline, loaded.context, selection).value;
}

function selectionOf(
  selectors: readonly string[],
  options: Partial<SelectionOptions>,
  only: readonly string[] | undefined,
): Selection {
  return {
    selectors,
    stages: options.stage ?? [],
    withNeeds: options.needs ?? true,
    ...(options.from === undefined ? {} : { from: options.from }),
    ...(only === undefined ? {} : { only }),
    manual: options.allManual ? 'all' : (options.manual ?? []),
    executor: options.executor ?? 'auto',
    defaultTimeoutMs: options.timeout ?? defaultTimeoutMs,
  };
}

function refuseUnknown({ unknownSelectors }: PlanResult): void {
  const [first] = unknownSelectors;
  if (first === undefined) return;
  if (first.ambiguous !== undefined) {
    const hint = `say which: ${first.ambiguous.join(', ')}`;
    throw new CommandError(exitCodes.usage, `\`${first.text}\` may mean several jobs`, hint);
  }
  const what = first.option === 'stage' ? 'stage' : 'job';
  const hint = first.nearest.length > 0 ? `nearest: ${first.nearest.join(', ')}` : '`ci list` shows what there is';
  throw new CommandError(exitCodes.usage, `there is no ${what} \`${first.text}\``, hint);
}
