import type { Executor, Session } from '../executors/executor.ts';
import type { MaskingTables } from '../masking/masking-tables.ts';
import type { PagesSite, Release } from '../model/deployment.ts';
import type { Emit } from '../model/event.ts';
import type { FileTree } from '../model/files.ts';
import type { JobSpec } from '../model/job-spec.ts';
import type { ArtifactRecord, Outcome } from '../model/outcome.ts';
import type { ArtifactPort, CachePort, SourcePort, TestTimingsPort, VisitorPort } from '../model/ports.ts';
import type { Variable } from '../model/variable.ts';
import type { Clock } from '../util/clock.ts';
import type { JobLimits } from './job-limits.ts';
import type { JobLog } from './job-log.ts';
import type { JobVariables, RunnerFacts } from './job-variables.ts';
import type { JunitReports } from './junit.ts';
import type { TimingSums } from './timing-sums.ts';

/** What a job's life needs from outside. */
export interface JobDeps {
  readonly executor: Executor;
  readonly artifacts: ArtifactPort;
  /** Absent: caches are neither restored nor saved (`--no-cache`). */
  readonly caches?: CachePort;
  /** Absent: nothing is known of tests, and nothing kept. */
  readonly testTimings?: TestTimingsPort;
  /** Where sources of a kind `repository` come from. */
  readonly sources?: SourcePort;
  readonly emit: Emit;
  readonly clock: Clock;
  readonly runner: RunnerFacts;
  /** What the log says besides, as GitLab Runner does: who runs the job, and in what. */
  readonly greeting?: {
    readonly runner: readonly string[];
    /** What the job asks for and will not get. */
    readonly warnings: readonly string[];
    readonly executor: (job: JobSpec) => string | undefined;
  };
  /** What stands before the exit code of a script that failed; default `exit code`. */
  readonly exitWords?: string;
  /** What the log says when a script is stopped since the job is canceled; default `script canceled`. */
  readonly cancelWords?: string;
  /** `CI_CONCURRENT_ID`; default 0. */
  readonly concurrentId?: number;
  /** `CI_CONCURRENT_PROJECT_ID`; default: the same. */
  readonly concurrentProjectId?: number;
  /** Secrets besides the job's masked variables. */
  readonly secrets?: readonly string[];
  /** Beginnings of tokens that the log hides; default: GitLab's own. */
  readonly tokenPrefixes?: readonly string[];
  /** Shared by the jobs of a run, most of which have the same secrets. */
  readonly maskingTables?: MaskingTables;
  /** Section markers in the log, for a GitLab server; default `plain`. */
  readonly sections?: 'plain' | 'markers';
  /** Called in the place of scripts and of all that comes after them, when everything before is done. */
  readonly insteadOfScripts?: (place: JobPlace) => Promise<void>;
  /** People who may come in while scripts run. */
  readonly visitors?: VisitorPort;
  /**
   * Called when a script of the job has failed, with files as it left them: before `after_script` and uploads. The
   * job's time does not run meanwhile. Not for a job that has to end.
   */
  readonly onScriptFailure?: (place: JobPlace, failure: FailedOutcome) => Promise<void>;
}

/** How a script failed. */
export type FailedOutcome = Extract<Outcome, { readonly status: 'failed' }>;

/** The place of a job between its scripts, for somebody who wants to look around. */
export interface JobPlace {
  readonly spec: JobSpec;
  readonly session: Session;
  readonly log: JobLog;
  /** The environment of its scripts. */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute, in the session: where the script worked. */
  readonly directory: string;
  /** Aborted when the job is canceled or dropped. */
  readonly signal: AbortSignal;
}

/** One try of a job while its session is open. */
export interface JobRun {
  readonly spec: JobSpec;
  readonly deps: JobDeps;
  readonly session: Session;
  readonly variables: JobVariables;
  readonly log: JobLog;
  readonly limits: JobLimits;
  /** Cache keys made of files' content, so that saving uses the key that was restored. */
  readonly cacheKeys: Map<string, string>;
  /** Caches that were restored, by their keys. */
  readonly restoredCaches: Map<string, FileTree>;
  /** Files outside of the job's directory that hold secrets, besides file variables: emptied when it ends. */
  readonly secretFiles: string[];
  readonly artifacts: ArtifactRecord[];
  readonly dotenv: Variable[];
  /** Made by the first JUnit report. */
  tests?: JunitReports;
  timings?: TimingSums;
  release?: Release;
  pages?: PagesSite;
  /** Name of the script that ended the job early. */
  haltedBy?: string;
}

/** `CI_JOB_STATUS` as `after_script` sees it. */
export type ScriptStatus = 'success' | 'failed' | 'canceled' | 'timedout';
