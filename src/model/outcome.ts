import type { Deployment, PagesSite, Release } from './deployment.ts';
import type { TestResults } from './test-results.ts';
import type { Variable } from './variable.ts';

/** GitLab's words. Source: https://docs.gitlab.com/ci/jobs/#available-job-statuses */
export type FinalStatus = 'success' | 'failed' | 'canceled' | 'skipped' | 'manual';

/** What a job is at some moment of a run, before it has ended too. */
export type JobStatus = FinalStatus | 'created' | 'waiting_for_resource' | 'scheduled' | 'pending' | 'running';

/** GitLab's words for why a job failed, as far as this program can produce or read them. */
export const failureReasons = [
  'script_failure',
  'job_execution_timeout',
  'runner_system_failure',
  'runner_configuration_error',
  'runner_external_dependency_failure',
  'runner_interrupted',
  'runner_unsupported',
  'image_pull_failure',
  'missing_dependency_failure',
  'stale_schedule',
  'unknown_failure',
  'api_failure',
  'archived_failure',
  'unmet_prerequisites',
  'scheduler_failure',
  'data_integrity_failure',
  'downstream_pipeline_failure',
  'downstream_pipeline_creation_failed',
  'downstream_bridge_project_not_found',
  'invalid_bridge_trigger',
  'reached_max_descendant_pipelines_depth',
  'reached_max_pipeline_hierarchy_size',
  'pipeline_loop_detected',
  'stuck_or_timeout_failure',
  'job_canceled',
  'secrets_provider_not_found',
] as const;

/** One of GitLab's words for why a job failed; `retry:when` and what a server is told use the same. */
export type FailureReason = (typeof failureReasons)[number];

/** How a command in a session ended. */
export type Exit =
  | { readonly kind: 'code'; readonly code: number; readonly lackOfMemory?: LackOfMemory }
  | { readonly kind: 'signal'; readonly signal: string; readonly lackOfMemory?: LackOfMemory }
  /** The kernel has ended a process of it for lack of memory, and it failed. `code`: its own exit code, default 137. */
  | { readonly kind: 'out-of-memory'; readonly limitBytes?: number; readonly code?: number }
  | { readonly kind: 'timeout'; readonly afterMs: number };

/**
 * Of a command that ended as by SIGKILL: did the kernel do that for lack of memory? `ruled-out`: it did not; `possible`: it has
 * ended processes of this user's at that time, which of them is not known. Absent: nothing is known.
 */
export type LackOfMemory = 'ruled-out' | 'possible';

/**
 * What a job has used, all its scripts together. What could not be found out is absent, and never 0. Figures that
 * are taken now and then are less than the truth, not more; but for memory that processes without a container share since one was
 * forked from the other, which counts in each where there is over 1 GiB of it, or where the system does not tell.
 */
export interface ResourceUse {
  /** Processor time of all processes, milliseconds. */
  readonly cpuMs?: number;
  /** Most memory in use at once, without the content of files that the kernel keeps as long as there is room. */
  readonly memoryPeakBytes?: number;
  readonly networkReceivedBytes?: number;
  readonly networkSentBytes?: number;
  /** What really came from block devices; not what the kernel still had. */
  readonly diskReadBytes?: number;
  readonly diskWrittenBytes?: number;
}

/** How one try of a job ended. */
export type Outcome =
  | { readonly status: 'success' }
  | { readonly status: 'canceled' }
  | { readonly status: 'skipped'; readonly because: string }
  /** A bridge whose pipeline waits. `blockedBy`: the job that somebody has to start. */
  | { readonly status: 'manual'; readonly blockedBy?: string }
  | {
      readonly status: 'failed';
      readonly reason: FailureReason;
      readonly exit?: Exit;
      /** For people: what failed. */
      readonly message?: string;
      /** For people: what to do about it. */
      readonly hint?: string;
    };

/** A limit of memory as it follows a message: ` (limit 32 MB)`; nothing where there is none. */
export function limitText(limitBytes: number | undefined): string {
  return limitBytes === undefined ? '' : ` (limit ${Math.round(limitBytes / 1024 / 1024)} MB)`;
}

/** One uploaded artifact of a job. */
export interface ArtifactRecord {
  /** `archive` or a report type. */
  readonly type: string;
  readonly name: string;
  /** Absolute path of the directory that holds the files. */
  readonly path: string;
  readonly files: number;
  readonly totalBytes: number;
}

/** What is to be told of a job's last try beside how it ended. */
export interface Findings {
  readonly artifacts: readonly ArtifactRecord[];
  /** Percent, from the `coverage` expression. */
  readonly coverage?: number;
  readonly resources?: ResourceUse;
  /** What its JUnit reports say. */
  readonly tests?: TestResults;
  readonly deployment?: Deployment;
  readonly release?: Release;
  readonly pages?: PagesSite;
  /** Name of the script that ended the job early. */
  readonly haltedBy?: string;
}

/** What a job leaves for later jobs and for the summary. */
export interface Outputs extends Findings {
  /** Variables of `artifacts:reports:dotenv`. */
  readonly dotenv: readonly Variable[];
}

/**
 * The reason of an abort signal by which jobs fail that are dropped; without it they are canceled. Its message ends
 * the job's log: `aborted: terminated`.
 */
export class JobInterrupted extends Error {
  override readonly name = 'JobInterrupted';
}

/** What a job leaves that never came to run a step. */
export const noOutputs: Outputs = { dotenv: [], artifacts: [] };

/** How a job ended after all its tries, as events, reports and the run's state file tell it. */
export interface JobResult extends Findings {
  readonly status: FinalStatus;
  readonly exitCode?: number;
  readonly failureReason?: FailureReason;
  readonly message?: string;
  /** The failure does not fail the pipeline. */
  readonly allowFailure: boolean;
  readonly durationMs: number;
  readonly attempts: number;
}

/**
 * The surroundings failed (engine down, disk full, image not to be had): not the user's script, not a bug of ours.
 * `job/` alone turns it into an Outcome; outside of a job it ends the program with exit code 4.
 */
export class SystemError extends Error {
  readonly reason: FailureReason;
  /** What the user can do about it, one line. */
  readonly hint: string | undefined;
  /** Where a program of ours failed that a server takes for a part of the job: how it ended. */
  readonly exit: Exit | undefined;

  constructor(reason: FailureReason, message: string, options?: { cause?: unknown; hint?: string; exit?: Exit }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SystemError';
    this.reason = reason;
    this.hint = options?.hint;
    this.exit = options?.exit;
  }
}
