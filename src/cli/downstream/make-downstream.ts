import { downstreamContext } from '../../context/downstream-context.ts';
import { type Diagnostic, hasErrors } from '../../diagnostics/diagnostic.ts';
import type { Sources } from '../../diagnostics/locate.ts';
import type { Compiled, CompileInput, Dialect } from '../../dialects/dialect.ts';
import type { Context } from '../../model/context.ts';
import type { FailureReason } from '../../model/outcome.ts';
import type { BridgeNode, Plan, Selection } from '../../model/plan.ts';
import type { Variable } from '../../model/variable.ts';
import { plan } from '../../plan/plan.ts';
import { splitSelection } from '../../plan/split-selection.ts';
import type { OpenProject } from './open-project.ts';

/** So many pipelines of one project may lie in each other below the first. Source: create_downstream_pipeline_service.rb */
export const mostNested = 2;

/** A pipeline with all that it takes to make those that its bridges start. */
export interface Origin {
  readonly dialect: Dialect;
  readonly compiled: Compiled;
  readonly context: Context;
  readonly files: CompileInput['files'];
  readonly limits: NonNullable<CompileInput['limits']>;
  /** Absolute path of the project's root. */
  readonly root: string;
  /** Texts of the files that diagnostics name. */
  readonly sources: Sources;
  /** The pipeline's file, as messages show it. */
  readonly name: string;
  /** `CI_PIPELINE_ID`. */
  readonly pipelineId: string;
  /** How many pipelines of the same project it lies within. */
  readonly depth: number;
  /** Projects and refs of the pipelines that led to it, child pipelines left out. */
  readonly ancestry: readonly string[];
  readonly open: OpenProject;
  /** What is asked of it. */
  readonly selection: Selection;
  /** What it was given from outside, and a pipeline that goes on with it is given too. */
  readonly given: HandedOn;
}

/** What a CircleCI pipeline is told by the command line and of this machine, and hands on to the one that it continues with. */
export type HandedOn = Pick<CompileInput, 'parameters' | 'workflows' | 'platform' | 'arch'>;

/** What is known of a bridge when its pipeline is made. */
export interface BridgeFacts {
  /** `CI_PIPELINE_ID` of the new pipeline. */
  readonly pipelineId: string;
  /** `CI_JOB_ID` of the bridge. */
  readonly number: number;
  /** Values of the bridge's variables. */
  readonly variable: (name: string) => string | undefined;
  /** What the new pipeline gets: see `forwardedVariables`. */
  readonly forwarded: readonly Variable[];
  readonly files: CompileInput['files'];
  /** Texts of files that are only known to the run. */
  readonly sources?: Sources;
}

/** A pipeline that a bridge starts, or why there is none. */
export type Downstream =
  | {
      readonly kind: 'made';
      readonly origin: Origin;
      readonly plan: Plan;
      readonly diagnostics: readonly Diagnostic[];
    }
  | {
      readonly kind: 'refused';
      readonly reason: FailureReason;
      readonly message: string;
      readonly diagnostics: readonly Diagnostic[];
      /** Texts of the files that the diagnostics name; absent: as for the bridge's own pipeline. */
      readonly sources?: Sources;
    }
  /** It has nothing to run, and that is well. */
  | {
      readonly kind: 'empty';
      readonly because: string;
      readonly origin: Origin;
      readonly plan: Plan;
      readonly diagnostics: readonly Diagnostic[];
    }
  /** It can't be started here, which is no fault of the pipeline's. */
  | { readonly kind: 'passed-over'; readonly because: string; readonly diagnostics: readonly Diagnostic[] };

/** Makes the child pipeline of a bridge, of the same project: its files merged and compiled in a context of its own, and planned. */
export async function makeChild(parent: Origin, bridge: BridgeNode, facts: BridgeFacts): Promise<Downstream> {
  if (parent.depth >= mostNested) {
    const message = `child pipelines may lie in each other ${mostNested} deep`;
    return refused('reached_max_descendant_pipelines_depth', message);
  }
  const { trigger } = bridge.definition;
  const content = parent.compiled.downstream.get(bridge.group)?.content;
  if (trigger.kind !== 'child' || content === undefined) return refused(creationFailed, 'it names no file');
  const context = trigger.continues
    ? parent.context
    : downstreamContext(parent.context, {
        source: 'parent_pipeline',
        pipelineId: facts.pipelineId,
        upstream: { pipelineId: parent.pipelineId, jobId: String(facts.number) },
        variables: facts.forwarded,
      });
  const name = trigger.files.map((file) => file.name).join(', ');
  const { files } = facts;
  const handedOn = trigger.continues ? parent.given : {};
  const given: CompileInput = { ...handedOn, file: name, entryIs: 'bridge', files, context, limits: parent.limits };
  const compiled = await parent.dialect.compile({ text: '', documents: [content] }, given);
  const { diagnostics } = compiled;
  if (compiled.value === undefined || hasErrors(diagnostics)) return invalid(name, diagnostics);
  const selection = splitSelection(parent.compiled.pipeline, parent.selection).below(bridge.name);
  const sources: Sources = (file) => facts.sources?.(file) ?? parent.sources(file);
  const rest = { sources, name, pipelineId: facts.pipelineId, depth: parent.depth + 1 };
  return planned({ ...parent, compiled: compiled.value, context, ...rest, selection }, diagnostics);
}

/** GitLab's word for a pipeline that its files or rules don't let come about. */
export const creationFailed: FailureReason = 'downstream_pipeline_creation_failed';

/** Plans what was compiled; a pipeline without jobs is none, as on GitLab. */
export function planned(origin: Origin, before: readonly Diagnostic[]): Downstream {
  const { pipeline } = origin.compiled;
  const result = plan(pipeline, origin.context, splitSelection(pipeline, origin.selection).own);
  const diagnostics = [...before, ...result.diagnostics];
  const [unknown] = result.unknownSelectors;
  if (unknown !== undefined) {
    const near = unknown.nearest.length > 0 ? `; nearest: ${unknown.nearest.join(', ')}` : '';
    return refused(creationFailed, `there is no job \`${unknown.text}\` in it${near}`, diagnostics);
  }
  if (result.value === undefined) return invalid(origin.name, diagnostics);
  const { leftOutBecause, nodes } = result.value;
  const { whyEmpty } = pipeline;
  if (nodes.length === 0 && whyEmpty !== undefined) {
    return { kind: 'empty', because: whyEmpty, origin, plan: result.value, diagnostics };
  }
  if (leftOutBecause !== undefined) return refused(creationFailed, leftOutBecause, diagnostics);
  if (nodes.length === 0) return refused(creationFailed, 'its rules leave every job out', diagnostics);
  return { kind: 'made', origin, plan: result.value, diagnostics };
}

/** A pipeline whose files have errors. */
export function invalid(name: string, diagnostics: readonly Diagnostic[], sources?: Sources): Downstream {
  const [first, ...more] = diagnostics.filter(({ severity }) => severity === 'error');
  const rest = more.length === 0 ? '' : `, and ${more.length} more ${more.length === 1 ? 'error' : 'errors'}`;
  const made = refused(creationFailed, `${name} is not valid: ${first?.message ?? 'it is empty'}${rest}`, diagnostics);
  return sources === undefined ? made : { ...made, sources };
}

/** A pipeline that can't be made. */
export function refused(
  reason: FailureReason,
  message: string,
  diagnostics: readonly Diagnostic[] = [],
): Extract<Downstream, { readonly kind: 'refused' }> {
  return { kind: 'refused', reason, message, diagnostics };
}
