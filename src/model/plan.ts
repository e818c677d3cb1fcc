import type { Span } from '../diagnostics/diagnostic.ts';
import type { ExecutorName } from './job-spec.ts';
import type {
  AllowFailure,
  ApprovalDefinition,
  BridgeDefinition,
  Need,
  ScriptJobDefinition,
  Trigger,
  When,
} from './pipeline.ts';
import type { Variable, VariableLayers } from './variable.ts';

/** What a run will do: rules decided, matrices multiplied out, names resolved to ids, cycles refused. Plain data. */
export interface Plan {
  /** `workflow:name` with variables expanded. */
  readonly name?: string;
  readonly stages: readonly string[];
  /** Nodes that are in the pipeline and selected, in stage order, then file order. */
  readonly nodes: readonly PlanNode[];
  /** Every job of the file with the reasons why it is in or out, in file order: for `list`, `plan`, `explain`. */
  readonly decisions: readonly Decision[];
  /** What became of `workflow:rules`. Absent: there are none. */
  readonly workflow?: readonly RuleTrace[];
  /** Set when `workflow:rules` leaves the whole pipeline out. `nodes` is empty then. */
  readonly leftOutBecause?: string;
  readonly autoCancelOnJobFailure: 'none' | 'all';
  /** One-line remarks for the user, for example that a named job is run although its rules leave it out. */
  readonly notices: readonly string[];
}

interface PlanNodeBase {
  /** Unique in the plan; see JobSpec.id. */
  readonly id: string;
  readonly name: string;
  /** Name of the definition: `test` for the leg `test: [18]`. */
  readonly group: string;
  readonly stage: string;
  readonly stageIndex: number;
  readonly when: Exclude<When, 'never'>;
  readonly startInMs?: number;
  readonly allowFailure: AllowFailure;
  /** `dag`: `needs` was written, stages do not matter. `stage`: waits for all nodes of earlier stages. */
  readonly scheduling: 'dag' | 'stage';
  /** Nodes that must end before this one starts. With `stage`: all of the earlier stages. */
  readonly needs: readonly PlanEdge[];
  readonly variables: VariableLayers;
  /** Expanded. */
  readonly resourceGroup?: string;
  readonly interruptible: boolean;
}

/** A node that has to end first, by its id, and how it must have ended. */
export interface PlanEdge {
  readonly id: string;
  /** See Need.statuses. */
  readonly statuses?: readonly string[];
}

/** A job that leaves files in the workspace. */
export interface WorkspaceSource {
  readonly id: string;
  /** Ids of those of the same list that have to end before it starts. */
  readonly after: readonly string[];
}

/** One job with a script, a leg of a parallel one too: all that is decided about it before it starts. */
export interface JobNode extends PlanNodeBase {
  readonly kind: 'job';
  readonly executor: ExecutorName;
  readonly definition: ScriptJobDefinition;
  /** Ids of the nodes whose artifacts (and dotenv variables) it receives, in plan order. */
  readonly artifactsFrom: readonly string[];
  /** Whose files it finds in the workspace, in graph order, also of jobs that this run does not run. Absent: it attaches none. */
  readonly workspaceFrom?: readonly WorkspaceSource[];
  readonly timeoutMs: number;
}

/** A job that starts or follows another pipeline and ends as that does, or at once. */
export interface BridgeNode extends PlanNodeBase {
  readonly kind: 'bridge';
  readonly definition: BridgeDefinition;
  /** Ids of the nodes whose dotenv variables it receives, in plan order. */
  readonly artifactsFrom: readonly string[];
  /** Variables that the file gives it, with those that it inherits: what the other pipeline may get. */
  readonly fileVariables: readonly Variable[];
}

/** A gate that somebody opens; until then what needs it waits. */
export interface ApprovalNode extends PlanNodeBase {
  readonly kind: 'approval';
  readonly definition: ApprovalDefinition;
}

/** All that a schedule can start; ids are unique within a plan, whatever the kind. */
export type PlanNode = JobNode | BridgeNode | ApprovalNode;

/** Why a job is in or out. */
export interface Decision {
  /** The definition's name. */
  readonly name: string;
  readonly stage: string;
  readonly included: boolean;
  /** Was it asked for, or needed by something that was. */
  readonly selected: boolean;
  /** One clause: "rule 2 matches", "no rule matches", "when: never in rule 1", "named on the command line". */
  readonly because: string;
  readonly when: When;
  /** Who says `when`. Absent: nobody, so it is `on_success`. */
  readonly whenFrom?: 'rule' | 'job';
  /** With `when: delayed`. */
  readonly startInMs?: number;
  readonly allowFailure: AllowFailure;
  /** Ids in the plan, several for a parallel job; empty if it is out. */
  readonly ids: readonly string[];
  readonly needs: readonly Need[];
  /** `dag`: it waits for its needs alone. `stage`: for all jobs of earlier stages. */
  readonly scheduling: 'dag' | 'stage';
  /** What a bridge starts. */
  readonly trigger?: Trigger;
  /** What became of each of several legs. */
  readonly legs?: readonly LegDecision[];
  readonly image?: string;
  readonly executor: ExecutorName;
  readonly rules: readonly RuleTrace[];
  /** What became of `only` and `except`, for a job without rules. */
  readonly policy?: readonly PolicyTrace[];
}

/** Why one leg of a parallel job is in or out. */
export interface LegDecision extends Pick<Decision, 'name' | 'included' | 'because' | 'when' | 'rules'> {
  readonly name: string;
}

/** What became of one rule. */
export interface RuleTrace {
  readonly span: Span;
  readonly result: 'matched' | 'not-matched' | 'not-reached';
  readonly clauses: readonly ClauseTrace[];
}

/** What became of `only` or `except`. Conditions after the one that decided are not tried. */
export interface PolicyTrace {
  readonly keyword: 'only' | 'except';
  readonly span: Span;
  /** See PolicyPart.assumed. */
  readonly assumed: boolean;
  /** `only`: all conditions hold. `except`: one of them holds. */
  readonly holds: boolean;
  readonly clauses: readonly ClauseTrace[];
}

/** One condition of a rule or a policy as it was judged, with what decided: for `ci explain`. */
export interface ClauseTrace {
  /** `if`, `changes` and `exists` of rules; `refs`, `variables`, `changes` and `kubernetes` of `only` and `except`. */
  readonly kind: 'if' | 'changes' | 'exists' | 'refs' | 'variables' | 'kubernetes';
  /** As written: the expression, or the patterns. */
  readonly text: string;
  readonly result: boolean;
  /** The values that decided: `$CI_COMMIT_BRANCH = "main"`, `changed: src/a.ts`. Masked values are replaced. */
  readonly values: readonly string[];
}

/** What the user asked for on the command line. */
export interface Selection {
  /** Job names, globs, legs. Empty with no stages: the whole pipeline. */
  readonly selectors: readonly string[];
  readonly stages: readonly string[];
  /** false: `--no-needs`, only the named jobs. */
  readonly withNeeds: boolean;
  /** `--from JOB`: this job and everything after it. */
  readonly from?: string;
  /** `--failed`: exactly these ids, decided from the last run. */
  readonly only?: readonly string[];
  /** Manual jobs to start. */
  readonly manual: 'all' | readonly string[];
  readonly executor: 'auto' | 'shell' | 'docker' | 'ssh';
  /** `--timeout`: for jobs that name none. */
  readonly defaultTimeoutMs: number;
}
