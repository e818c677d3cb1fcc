import type { FileTree } from './files.ts';
import type { JobProgram } from './job-program.ts';
import type { Environment, Image, Service } from './pipeline.ts';
import type { Repository } from './repository.ts';
import type { Step } from './step.ts';
import type { FactVariable, Variable } from './variable.ts';

/** Where the steps of a job run. `fake` runs nothing: tests tell it how commands end. */
export type ExecutorName = 'shell' | 'docker' | 'ssh' | 'fake';

/** Where a job's sources come from. */
export type Source =
  /** An immutable copy of the working tree as it was when the run started. */
  | {
      readonly kind: 'snapshot';
      readonly tree: FileTree;
      /** Absolute paths of the user's git object directories that the tree's `.git` borrows from; read-only. */
      readonly gitObjects?: readonly string[];
    }
  /** `--in-place`: the job runs in this directory itself, nothing is copied. Shell executor only. */
  | { readonly kind: 'in-place'; readonly directory: string }
  /** What a server names: fetched by git when the job begins. */
  | { readonly kind: 'repository'; readonly repository: Repository }
  | { readonly kind: 'none' };

/** A job whose artifacts or workspace layers this one receives. */
export interface Dependency {
  /** The job's id in this run. */
  readonly id: string;
  readonly name: string;
  /** `CI_JOB_ID` of its last try, for the log. */
  readonly number?: number;
  /** In `JobSpec.workspaceFrom`: ids of the entries of that list that had to end before this job started. */
  readonly after?: readonly string[];
  /** The try whose artifacts count. Absent: the last one that left any. */
  readonly attempt?: number;
  /** Where its artifacts are kept, if not with this run: absolute path of another run's artifacts. */
  readonly store?: string;
}

/** A login for a registry. */
export interface RegistryCredentials {
  /** Host, with a port and a path where there is one. */
  readonly registry: string;
  readonly username: string;
  readonly password: string;
}

/**
 * Everything that is needed to run one try of a job: what GitLab's server hands to a runner. Made at the moment of
 * dispatch, so dependencies' artifacts and dotenv variables are known. Plain data.
 */
export interface JobSpec {
  /** Unique in the run: `build`, `test: [18, linux]`, `workflow/name`, `bridge/name`. */
  readonly id: string;
  readonly name: string;
  readonly stage: string;
  readonly runId: string;
  /** 1 for the first try. */
  readonly attempt: number;
  readonly executor: ExecutorName;
  /** In order of precedence, a later one wins; texts of the spec may use them. */
  readonly variables: readonly Variable[];
  readonly image?: Image;
  readonly services: readonly Service[];
  /**
   * What services get of the job's variables: none, or those that are public on GitLab, which is what the file says and
   * what is predefined. Absent: all.
   */
  readonly serviceVariables?: readonly Variable[];
  /** Logins for registries that whoever hands the job out gave along; those of the user come first. Secret. */
  readonly registryLogins?: readonly RegistryCredentials[];
  /** `localhost`: the job and its services are one host, as on CircleCI. Absent: services are hosts of their own. */
  readonly servicesReachedBy?: 'localhost';
  readonly steps: readonly Step[];
  /** See ScriptJobDefinition.directory. */
  readonly directory?: string;
  /** See JobDefinition.facts. */
  readonly facts?: readonly FactVariable[];
  /** Its scripts find them before all others of their names. */
  readonly programs?: readonly JobProgram[];
  readonly source: Source;
  /** `group/name`: decides the directory's name in the session. */
  readonly projectPath: string;
  readonly dependencies: readonly Dependency[];
  /** Jobs whose workspace layers `attach-workspace` sees, in graph order. */
  readonly workspaceFrom: readonly Dependency[];
  readonly timeoutMs: number;
  /** What it deploys to; texts not expanded. */
  readonly environment?: Environment;
  /** RE2 source without slashes. */
  readonly coverage?: string;
}
