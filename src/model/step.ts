import type { PagesSite, Release } from './deployment.ts';
import type { FailureReason } from './outcome.ts';
import type { VariableDefinition } from './variable.ts';

/**
 * Where in a job's life a step belongs. `prepare`: sources, caches, artifacts in; its failure skips `script` and
 * `after`. `script`: what the user wrote; stops at the first failure. `after`: `after_script`; only if the script
 * started, its result changes nothing. `finish`: caches and artifacts out; runs after failure too, as `when` says.
 */
export type Phase = 'prepare' | 'script' | 'after' | 'finish';

/** Judged by the job's state at the moment the step is reached. */
export type StepWhen = 'on_success' | 'on_failure' | 'always';

interface StepBase {
  readonly phase: Phase;
  readonly when: StepWhen;
}

/** Puts the sources into the job's directory, or (`path`) into a directory below it. */
export interface CheckoutStep extends StepBase {
  readonly kind: 'checkout';
  readonly path?: string;
}

/** How a cache is called. All texts may hold variables, expanded when the step runs. */
export type CacheKey =
  | { readonly kind: 'text'; readonly text: string }
  /** GitLab's `key:files`: hash of the files' content. Patterns are replaced by what they match when the job is handed out. */
  | { readonly kind: 'files'; readonly files: readonly string[]; readonly prefix?: string }
  /** GitLab's `key:files_commits`: hash of the last commits that changed the files; a text once the job is handed out. */
  | { readonly kind: 'commits'; readonly files: readonly string[]; readonly prefix?: string }
  /** CircleCI's template: `v1-{{ checksum "package-lock.json" }}`. */
  | { readonly kind: 'template'; readonly text: string };

/** Puts the first cache that is found into the job's directory. That none is found, or can be used, fails nothing. */
export interface RestoreCacheStep extends StepBase {
  readonly kind: 'restore-cache';
  /** Tried in order. */
  readonly keys: readonly CacheKey[];
  /** `exact` (GitLab) or `prefix`: the newest cache whose key starts with it (CircleCI). */
  readonly match: 'exact' | 'prefix';
  /** GitLab's `policy` may be a variable: `push` then skips the step. Absent: always restore. */
  readonly policy?: string;
  /** For the log only; the cache itself knows its paths. */
  readonly paths: readonly string[];
}

/** Keeps what the paths match under a key for later jobs and runs. That it can't be kept fails nothing. */
export interface SaveCacheStep extends StepBase {
  readonly kind: 'save-cache';
  readonly key: CacheKey;
  readonly paths: readonly string[];
  readonly untracked: boolean;
  /** GitLab's `policy` may be a variable: `pull` then skips the step. Absent: always save. */
  readonly policy?: string;
  /** false: a cache of this key that exists is left alone (CircleCI). */
  readonly overwrite: boolean;
}

/** Fetches what the job's `dependencies` uploaded into the job's directory. */
export interface DownloadArtifactsStep extends StepBase {
  readonly kind: 'download-artifacts';
}

/** Takes files out of the job's directory for later jobs and for the user, or to read a report in them. */
export interface UploadArtifactsStep extends StepBase {
  readonly kind: 'upload-artifacts';
  /** `archive` is what later jobs fetch; the others are reports (`junit`, `dotenv`, `coverage_report`, …). */
  readonly type: string;
  readonly name?: string;
  readonly paths: readonly string[];
  readonly exclude: readonly string[];
  readonly untracked: boolean;
  readonly expireInMs?: number;
  /** How a server wants them: packed as `zip`, `gzip` or `raw`, and kept for so long, in its own words ('': it does not say). */
  readonly asked?: { readonly format: string; readonly expireIn: string };
  /** Where the files go in the artifact; default: at their own relative paths. */
  readonly destination?: string;
  /** The paths may lead out of the job's directory. Absent: only those of type `stored`. */
  readonly reach?: 'anywhere';
}

/** Runs commands in the session's shell; the step fails with the first of them that does, or that the shell says did. */
export interface RunStep extends StepBase {
  readonly kind: 'run';
  /** Section name: GitLab's `step_script`, `after_script`; CircleCI's `name` or the command. */
  readonly name: string;
  /** One entry a command as the user wrote it; each is echoed before it runs. */
  readonly script: readonly string[];
  /** `gitlab`: echo `$ command`, one shell for all. `plain`: run the text as it is. */
  readonly echo: 'gitlab' | 'plain';
  /** For example `/bin/bash -eo pipefail`; absent: bash if there is one, else sh. */
  readonly shell?: string;
  readonly variables: readonly VariableDefinition[];
  /** Relative to the job's directory. */
  readonly directory?: string;
  readonly background: boolean;
  /** Ends the step (`after_script`: 5 minutes). */
  readonly timeoutMs?: number;
  /** Ends the step when nothing is printed for so long (CircleCI: 10 minutes). */
  readonly noOutputTimeoutMs?: number;
  /** Run again while it fails (CircleCI): how often at most, and how long to wait before. */
  readonly reruns?: { readonly max: number; readonly delayMs: number };
}

/** Keeps what the patterns below `root` match as this job's layer of the workspace; that nothing matches is a failure. */
export interface PersistWorkspaceStep extends StepBase {
  readonly kind: 'persist-workspace';
  readonly root: string;
  readonly paths: readonly string[];
}

/** Lays the layers of the jobs before this one over each other in the directory `at`, in the order of the graph. */
export interface AttachWorkspaceStep extends StepBase {
  readonly kind: 'attach-workspace';
  readonly at: string;
}

/** CircleCI's `store_test_results`: a JUnit file or a directory of them. */
export interface TestReportStep extends StepBase {
  readonly kind: 'test-report';
  readonly path: string;
}

/** CircleCI's `setup_remote_docker`: from here on the job wants to reach a container engine. */
export interface ReachEngineStep extends StepBase {
  readonly kind: 'reach-engine';
}

/** GitLab's `release`: what a server would make after the script. All texts may hold variables. */
export interface ReleaseStep extends StepBase, Omit<Release, 'name' | 'ref'> {
  readonly kind: 'release';
  /** Absent: the tag's name. */
  readonly name?: string;
  /** Absent: the commit of the pipeline. */
  readonly ref?: string;
}

/** GitLab Pages: what a server would publish of the job's archive. Texts may hold variables. */
export interface PublishPagesStep extends StepBase, Omit<PagesSite, 'path'> {
  readonly kind: 'publish-pages';
}

/** The job can't be run here: it fails before anything of it is made. */
export interface RefuseStep extends StepBase {
  readonly kind: 'refuse';
  readonly reason: FailureReason;
  /** For people: why. */
  readonly message: string;
  /** For people: what to do about it. */
  readonly hint?: string;
  /** What it ends with. */
  readonly exitCode?: number;
}

/** One thing that a job does. `job/` knows steps and no dialect. */
export type Step =
  | CheckoutStep
  | RestoreCacheStep
  | SaveCacheStep
  | DownloadArtifactsStep
  | UploadArtifactsStep
  | RunStep
  | PersistWorkspaceStep
  | AttachWorkspaceStep
  | TestReportStep
  | ReachEngineStep
  | ReleaseStep
  | PublishPagesStep
  | RefuseStep;
