import type { Dependency, Source } from '../model/job-spec.ts';
import type { FailureReason, Outcome, Outputs } from '../model/outcome.ts';
import type { BridgeNode, Plan, PlanNode } from '../model/plan.ts';
import type { Variable } from '../model/variable.ts';
import type { CacheKeyFacts } from './cache-keys.ts';

/** A job of an earlier run whose artifacts and variables this run uses (`--from`, `--failed`). */
export interface EarlierJob {
  readonly name: string;
  readonly outputs: Outputs;
}

/** One pipeline of a run: what is to be done, and with what. Ids of its plan are unique in the run. */
export interface ScheduledPipeline {
  /** `CI_PIPELINE_ID`: what jobs of other pipelines of the run call it. Absent: they can't. */
  readonly id?: string;
  readonly plan: Plan;
  /** The pipeline file, for `pipeline-planned`. */
  readonly file: string;
  /** `group/name`. */
  readonly projectPath: string;
  /** Where all jobs get their sources from. */
  readonly source: Source;
  /** Further variables of a job at dispatch (`CI_PIPELINE_ID`, `CI_JOB_TOKEN`, …); `number` is its `CI_JOB_ID`. */
  variables?(node: PlanNode, number: number): readonly Variable[];
  /** Of the commit and tree that its jobs see; absent: nothing is known of them. */
  readonly repository?: CacheKeyFacts;
  /** By id. */
  readonly earlier?: ReadonlyMap<string, EarlierJob>;
  /** Makes the pipelines that bridges start. Absent: bridges are skipped with a warning. */
  readonly expand?: Expand;
  /** Finds what a job of another project left. Absent: nothing is found. */
  readonly findElsewhere?: FindElsewhere;
}

/** A job that ran, and what it left. */
export interface EndedJob {
  readonly dependency: Dependency;
  readonly outputs: Outputs;
}

/** What a job of another project left; a text says why it is not to be had, and what to do. */
export type FindElsewhere = (need: ProjectNeed) => Promise<EndedJob | string>;

/** A job of another project, no variables in its texts. */
export interface ProjectNeed {
  readonly project: string;
  readonly job: string;
  readonly ref: string;
}

/** What is known when a bridge is due. */
export interface BridgeDispatch {
  /** `CI_JOB_ID` of the bridge. */
  readonly number: number;
  /** All variables of the bridge, expanded. */
  readonly variables: readonly Variable[];
  /** Those of them that earlier jobs left. */
  readonly dotenv: readonly Variable[];
  /** What the ids of the new pipeline's nodes have to begin with. */
  readonly idPrefix: string;
  /** A job of the bridge's own pipeline that has ended; undefined: there is none of that name, or it has not run. */
  endedJob(name: string): Dependency | undefined;
  /** Writes a line into the bridge's log, without masked values. With a level people see it even where the tool's own lines are left out. */
  tell(line: string, level?: 'warning' | 'error'): void;
  /** Aborted when nobody wants the pipeline any more. */
  readonly signal: AbortSignal;
}

/** What becomes of a bridge. */
export type Expansion =
  | { readonly kind: 'pipeline'; readonly pipeline: ScheduledPipeline }
  /** The bridge fails. */
  | { readonly kind: 'refused'; readonly reason: FailureReason; readonly message: string }
  /** Nothing is started: the bridge only tells how another pipeline ended. */
  | { readonly kind: 'ended'; readonly outcome: Outcome }
  /** It can't be started here; jobs after the bridge go on as if it had succeeded. */
  | { readonly kind: 'passed-over'; readonly because: string };

/** Makes the pipeline that a bridge starts. @throws SystemError when the surroundings fail: then the bridge fails too. */
export type Expand = (bridge: BridgeNode, dispatch: BridgeDispatch) => Promise<Expansion>;
