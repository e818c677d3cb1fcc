import type { Span, Spanned } from '../diagnostics/diagnostic.ts';
import type { JobProgram } from './job-program.ts';
import type { Step } from './step.ts';
import type { FactVariable, Variable, VariableDefinition } from './variable.ts';

/**
 * What a dialect makes of a pipeline file: everything read and merged, nothing decided yet. Nothing after this type
 * knows which dialect it came from.
 */
export interface Pipeline {
  /** The entry file, relative to the project root. */
  readonly file: string;
  /** `workflow:name`, variables not expanded. */
  readonly name?: string;
  /** In order; always with `.pre` first and `.post` last. */
  readonly stages: readonly string[];
  /** Takes the place of GitLab's predefined variables (`CI_*`), in a pipeline of another language. */
  readonly predefined?: readonly Variable[];
  /**
   * Where variables stand that the user gives (settings, `--secret`, `--var`). `below`: below the predefined ones and all that the
   * file says, as on CircleCI. Absent: above, as on GitLab.
   */
  readonly givenVariables?: 'below';
  /** Global `variables:`. */
  readonly variables: readonly VariableDefinition[];
  readonly workflow: Workflow;
  /** Visible jobs in file order (hidden ones are gone). */
  readonly jobs: readonly JobDefinition[];
  /** Something that the file includes could not be read: unknown names in it are warnings, not errors. */
  readonly incomplete: boolean;
  /** Where a pipeline that a bridge starts may have nothing to run: then the bridge is skipped, and this is why. Absent: it fails. */
  readonly whyEmpty?: string;
}

/**
 * `workflow`: does the pipeline exist, and does it end when one of its jobs fails? Source:
 * https://docs.gitlab.com/ci/yaml/workflow/
 */
export interface Workflow {
  /** Absent: the pipeline always exists. Present: the first that matches decides, no match means no pipeline. */
  readonly rules?: readonly Rule[];
  readonly autoCancelOnJobFailure: 'none' | 'all';
}

/**
 * When a job runs, judged by how the jobs before it ended; `never` leaves it out. Source: https://docs.gitlab.com/ci/yaml/#when
 */
export type When = 'on_success' | 'on_failure' | 'always' | 'manual' | 'delayed' | 'never';

/** `allow_failure`: `exitCodes` means that only these exit codes are forgiven. */
export type AllowFailure = boolean | { readonly exitCodes: readonly number[] };

interface DefinitionBase {
  readonly name: string;
  /** The job's name in its file. */
  readonly span: Span;
  readonly stage: Spanned<string>;
  /** Absent: always in, with the job's own `when`. */
  readonly rules?: readonly Rule[];
  /** The dialect has decided that the job is out: why, one clause. */
  readonly leftOutBecause?: string;
  /** The dialect has decided that the job is in, by something else than rules: why, one clause. */
  readonly includedBecause?: string;
  /** Which pipelines the job is in, where it has no rules. Absent: all. */
  readonly refPolicy?: RefPolicy;
  readonly when: Exclude<When, 'never'>;
  /** With `when: delayed`. */
  readonly startInMs?: number;
  /** Absent: false, but true for a job whose `when: manual` stands outside of rules. */
  readonly allowFailure?: AllowFailure;
  /** Absent: the job waits for all jobs of earlier stages. `[]`: it starts at once. */
  readonly needs?: readonly Need[];
  readonly parallel?: Parallel;
  readonly variables: readonly VariableDefinition[];
  /** What it is told about itself, in place of GitLab's variables (`CI_JOB_*`, `CI_PROJECT_DIR`, `CI_RUNNER_*`, …). */
  readonly facts?: readonly FactVariable[];
  /** Which global variables the job sees: all, none, or the named ones (`inherit:variables`). */
  readonly inheritVariables: boolean | readonly string[];
  /** Shorter names by which a user may ask for it, where they mean jobs of one stage only. */
  readonly alsoCalled?: readonly string[];
  readonly resourceGroup?: string;
  readonly interruptible: boolean;
  readonly environment?: Environment;
  /** Asked before somebody starts the job by hand. */
  readonly manualConfirmation?: string;
}

/** A job that runs steps. */
export interface ScriptJobDefinition extends DefinitionBase {
  readonly kind: 'job';
  readonly image?: Image;
  readonly services: readonly Service[];
  /** See JobSpec.servicesReachedBy. */
  readonly servicesReachedBy?: 'localhost';
  /** `own`: services get none of the job's variables. Absent: those that are public on GitLab. */
  readonly serviceVariables?: 'own';
  /**
   * Where it works: absolute, or `~`, `~/…` below its home. Such a job has a home of its own; its paths may begin with `~`
   * and lead out of its directory, which is empty before a `checkout`. Absent: in a directory of the executor's choice.
   */
  readonly directory?: string;
  /** The job's life in order, text not expanded. `download-artifacts` is filled in when the job is handed out. */
  readonly steps: readonly Step[];
  /** See JobSpec.programs. */
  readonly programs?: readonly JobProgram[];
  /** Whose artifacts to fetch. Absent: those of `needs` with artifacts, or of all earlier stages. `[]`: none. */
  readonly dependencies?: readonly Spanned<string>[];
  /** Whose artifacts to fetch besides, from other pipelines. */
  readonly foreignNeeds?: readonly ForeignNeed[];
  readonly retry: Retry;
  readonly timeoutMs?: number;
  /** RE2 source without slashes. */
  readonly coverage?: string;
  readonly tags: readonly string[];
  /** Names of the sets of variables that the job gets besides (CircleCI's contexts); of one name the last counts. */
  readonly variableSets?: readonly string[];
  readonly idTokens?: readonly IdToken[];
  readonly secrets?: readonly JobSecret[];
}

/** A JSON web token that the job finds in a variable. */
export interface IdToken {
  readonly name: string;
  /** Whom it is meant for; variables not expanded. */
  readonly audience: readonly string[];
  /** How the claim `aud` is written. */
  readonly form: 'text' | 'list';
}

/** A variable whose value a server takes from a secret store. */
export interface JobSecret {
  readonly name: string;
  /** GitLab's word for the store. */
  readonly store: string;
  /** The variable holds the path of a file with the value. */
  readonly file: boolean;
}

/** A job that starts another pipeline (`trigger:`). */
export interface BridgeDefinition extends DefinitionBase {
  readonly kind: 'bridge';
  readonly trigger: Trigger;
}

/** A gate that somebody has to open (CircleCI's `type: approval`). */
export interface ApprovalDefinition extends DefinitionBase {
  readonly kind: 'approval';
}

/** All that can stand in a stage; a parallel job is one definition, whatever becomes of it in the plan. */
export type JobDefinition = ScriptJobDefinition | BridgeDefinition | ApprovalDefinition;

/** Which other pipeline a bridge starts, or follows. */
export type Trigger = ChildTrigger | ProjectTrigger | FollowedPipeline;

interface StartingTrigger {
  /**
   * What the bridge's own end depends on. `none`: it has succeeded once the other pipeline is there. `depend`: it waits for that
   * and succeeds or fails with it. `mirror`: it ends as the other one does, also skipped or waiting for somebody.
   */
  readonly strategy: 'none' | 'depend' | 'mirror';
  readonly forward: {
    /** Variables that the file gives the bridge. */
    readonly yamlVariables: boolean;
    /** Variables that this pipeline was started with, and those that earlier jobs left. */
    readonly pipelineVariables: boolean;
  };
}

/** A pipeline of the same project, made of files; what they say is in `Compiled.children`. */
export interface ChildTrigger extends StartingTrigger {
  readonly kind: 'child';
  readonly files: readonly TriggerFile[];
  /** It is no other pipeline but this one that goes on: the same event, the same facts, the same values from outside. */
  readonly continues?: true;
}

/** A file of a child pipeline, for people. */
export interface TriggerFile {
  /** As written: a path, an address, `project group/name: file`. */
  readonly name: string;
  readonly span: Span;
  /** The job among whose artifacts it is: nothing is known of it before that has run. */
  readonly madeBy?: string;
  /** With `madeBy`: the project has a file of this name, which the job is expected to hand on as it is. */
  readonly expected?: true;
}

/** The pipeline of another project. Variables in its texts are expanded when the bridge runs. */
export interface ProjectTrigger extends StartingTrigger {
  readonly kind: 'project';
  readonly project: Spanned<string>;
  /** Absent: the other project's default branch. */
  readonly branch?: string;
}

/** Nothing is started: the bridge shows how the newest pipeline of another project ended. */
export interface FollowedPipeline {
  readonly kind: 'followed';
  readonly project: Spanned<string>;
}

/** A job of the same pipeline, by its definition's name, that has to end first; its stage does not matter then. */
export interface Need {
  readonly job: string;
  readonly span: Span;
  readonly artifacts: boolean;
  /** The need may be missing from the pipeline. */
  readonly optional: boolean;
  /** `needs:parallel:matrix`: only these legs; each map must be contained in the leg's variables. */
  readonly matrix?: readonly Readonly<Record<string, string>>[];
  /** Final statuses of the needed job that let this one start (CircleCI); absent: by `when`, as on GitLab. */
  readonly statuses?: readonly string[];
}

/**
 * A job of another pipeline whose artifacts and variables a job gets; it is not waited for. Variables in its texts are
 * expanded when the job is handed out.
 */
export type ForeignNeed = { readonly job: string; readonly span: Span } & (
  | { readonly kind: 'project'; readonly project: string; readonly ref: string }
  /** `CI_PIPELINE_ID` of a pipeline of the same run. */
  | { readonly kind: 'pipeline'; readonly pipeline: string }
);

/** How many jobs are made of one definition: so many alike, or one for each combination of values. */
export type Parallel =
  | {
      readonly kind: 'count';
      readonly count: number;
      /** A variable that counts the parts, besides `CI_NODE_INDEX`, which starts with 1. */
      readonly index?: { readonly name: string; readonly first: number };
      readonly span: Span;
    }
  /** Each entry is multiplied out by itself; entry order and key order are the file's. */
  | {
      readonly kind: 'matrix';
      readonly entries: readonly (readonly { readonly name: string; readonly values: readonly string[] }[])[];
      readonly span: Span;
    };

/** Which failures of a job make it run once more; where `when` and `exitCodes` are given, one of the two has to fit. */
export interface Retry {
  /** Further tries after the first: 0 to 2. */
  readonly max: number;
  /** GitLab's words for failures (`retryReasons`). Absent: any failure. */
  readonly when?: readonly string[];
  /** Absent: any exit code. */
  readonly exitCodes?: readonly number[];
  /**
   * `way`: retries of the jobs that this one needs count too, as if the pipeline were run again from where it failed.
   * Absent: each job has its own.
   */
  readonly counts?: 'way';
}

/** One entry of `rules:` or `workflow:rules:`. All conditions that are present must hold; none present: it matches. */
export interface Rule {
  readonly span: Span;
  /** Text of `if:`; the dialect has checked that it parses. */
  readonly if?: Spanned<string>;
  readonly changes?: { readonly paths: readonly string[]; readonly compareTo?: string; readonly span: Span };
  readonly exists?: ExistsCondition;
  readonly when?: When;
  readonly startInMs?: number;
  readonly allowFailure?: AllowFailure;
  readonly variables?: readonly VariableDefinition[];
  readonly needs?: readonly Need[];
  readonly interruptible?: boolean;
  /** Of a rule of the workflow: takes the place of Workflow.autoCancelOnJobFailure. */
  readonly autoCancelOnJobFailure?: Workflow['autoCancelOnJobFailure'];
}

/** One of the patterns fits a file of the project, or of another one. Variables not expanded. */
export interface ExistsCondition {
  readonly paths: readonly string[];
  /** `group/name`. Absent: this project. */
  readonly project?: string;
  /** Branch, tag or commit of that project. Absent: its default branch. */
  readonly ref?: string;
  readonly span: Span;
}

/** The older way to say which pipelines a job is in. Source: https://docs.gitlab.com/ci/yaml/deprecated_keywords/ */
export interface RefPolicy {
  /** In, if all its conditions hold. Absent: in. */
  readonly only?: PolicyPart;
  /** Out, if one of its conditions holds. */
  readonly except?: PolicyPart;
}

/** Conditions of `only` or `except`; each holds if one of its items does. */
export interface PolicyPart {
  readonly span: Span;
  /** Names of branches and tags, `/regex/flags`, kinds of pipeline (`tags`, `merge_requests`); each may end in `@project`. */
  readonly refs?: readonly string[];
  /** Expressions; the dialect has checked that they parse. */
  readonly variables?: readonly Spanned<string>[];
  readonly changes?: { readonly paths: readonly string[]; readonly span: Span };
  readonly kubernetes?: 'active';
  /** It does not stand in the file, but the dialect takes it for granted. */
  readonly assumed?: true;
}

/** Is an image pulled that is there already, and one that is not? GitLab's words for what the engine is asked to do. */
export type PullPolicy = 'always' | 'if-not-present' | 'never';

/** A container image, variables not expanded. */
export interface Image {
  readonly name: string;
  readonly span: Span;
  /** Absent: the image's own. `['']` or `[]`: none. */
  readonly entrypoint?: readonly string[];
  /** Tried in order. Absent: the command line's. */
  readonly pullPolicy?: readonly PullPolicy[];
  readonly platform?: string;
  readonly user?: string;
  /** To pull it with; counts only where both texts are something once variables are filled in. */
  readonly login?: { readonly username: string; readonly password: string };
}

/** A container beside the job's, which finds it by these names and by those that the image's name gives. */
export interface Service extends Image {
  readonly aliases: readonly string[];
  readonly command?: readonly string[];
  readonly variables: readonly VariableDefinition[];
}

/** `environment` of a job: what it deploys to, as written, or what it does about an earlier deployment. */
export interface Environment {
  readonly name: string;
  readonly url?: string;
  readonly action: 'start' | 'prepare' | 'stop' | 'verify' | 'access';
  /** Name of the job that stops it. */
  readonly onStop?: Spanned<string>;
  readonly tier?: string;
  /** As written: a duration, `never`, or a variable. */
  readonly autoStopIn?: string;
}
