import type { ProjectCheckouts } from './included-file.ts';
import type { Variable } from './variable.ts';

/**
 * What `CI_PIPELINE_SOURCE` can be here: of GitLab's words those that something on this machine can stand for. Source:
 * https://docs.gitlab.com/ci/jobs/job_rules/#ci_pipeline_source-predefined-variable
 */
export const pipelineSources = [
  'push',
  'web',
  'schedule',
  'api',
  'trigger',
  'merge_request_event',
  'pipeline',
  'parent_pipeline',
] as const;

/** `CI_PIPELINE_SOURCE`. */
export type PipelineSource = (typeof pipelineSources)[number];

/** Facts about the repository, read once. Made up, with `real: false`, where there is no repository or no commit. */
export interface GitFacts {
  readonly real: boolean;
  /** Absolute path of the enclosing work tree. */
  readonly topLevel: string;
  readonly sha: string;
  readonly shortSha: string;
  readonly beforeSha: string;
  /** Undefined when a tag is built or HEAD is detached. */
  readonly branch?: string;
  readonly tag?: string;
  readonly tagMessage?: string;
  readonly defaultBranch: string;
  readonly message: string;
  readonly author: string;
  /** ISO 8601. */
  readonly timestamp: string;
  /** Without user name and password. */
  readonly remoteUrl?: string;
}

/** Where the pipeline lives: its directory on this machine, and what a server would call it (`CI_PROJECT_…`). */
export interface Project {
  /** Absolute path: where the pipeline's paths start. */
  readonly root: string;
  /** `group/name`, from the remote's URL or the folder's name. */
  readonly path: string;
  readonly name: string;
  readonly namespace: string;
}

/** Everything a plan depends on besides the file. */
export interface Context {
  readonly source: PipelineSource;
  readonly git: GitFacts;
  readonly project: Project;
  /** The `CI_*` family, without what differs from job to job. */
  readonly predefined: readonly Variable[];
  /** Like project variables of a server: the user's configuration and secrets. */
  readonly projectVariables: readonly Variable[];
  /** Like variables of a manual run: `--var`, `--var-file`. */
  readonly pipelineVariables: readonly Variable[];
  readonly query: RepositoryQuery;
  /** Other projects that lie on this machine; absent: none do. */
  readonly projects?: ProjectCheckouts;
  /** Absent: there are none. */
  readonly variableSets?: VariableSets;
}

/** Named sets of variables that the user keeps outside of the repository: CircleCI's contexts. */
export interface VariableSets {
  /** The variables of a set, all of them masked; undefined: there is no set of this name. */
  get(name: string): readonly Variable[] | undefined;
  /** For people: the file in which one defines a set. */
  readonly definedIn: string;
}

/** Memoised questions about the repository and the tree; may start `git`, nothing else. */
export interface RepositoryQuery {
  /**
   * Paths (relative to the project root) changed against the base that fits the event, including uncommitted
   * changes. Undefined: there is nothing to compare with, as for a tag or a schedule, so `changes` is true.
   */
  changedPaths(compareTo?: string): readonly string[] | undefined;
  /** Does `compare_to` name a commit? Where there is no repository nothing is compared, so any name will do. */
  knowsRevision(compareTo: string): boolean;
  /** All paths of the project that a job would see: tracked, and untracked but not ignored. */
  paths(): readonly string[];
}
