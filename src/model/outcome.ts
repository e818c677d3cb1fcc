import type { Variable } from './variable.ts';

/** GitLab's words. Source: https://docs.gitlab.com/ci/jobs/#available-job-statuses */
export type FinalStatus = 'success' | 'failed' | 'canceled' | 'skipped' | 'manual';
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
  'job_canceled',
] as const;

export type FailureReason = (typeof failureReasons)[number];

/** How a command in a session ended. */
export type Exit =
  | { readonly kind: 'code'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string }
  | { readonly kind: 'out-of-memory'; readonly limitBytes?: number }
  | { readonly kind: 'timeout'; readonly afterMs: number };

/** How one try of a job ended. */
export type Outcome =
  | { readonly status: 'success' }
  | { readonly status: 'canceled' }
  | { readonly status: 'skipped'; readonly because: string }
  | { readonly status: 'manual' }
  | {
      readonly status: 'failed';
      readonly reason: FailureReason;
      readonly exit?: Exit;
      /** For people: what failed. */
      readonly message?: string;
      /** For people: what to do about it. */
      readonly hint?: string;
    };

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

/** What a job leaves for later jobs and for the summary. */
export interface Outputs {
  /** Variables of `artifacts:reports:dotenv`. */
  readonly dotenv: readonly Variable[];
  readonly artifacts: readonly ArtifactRecord[];
  /** Percent, from the `coverage` expression. */
  readonly coverage?: number;
}

export const noOutputs: Outputs = { dotenv: [], artifacts: [] };

/** How a job ended after all its tries, as events, reports and the run's state file tell it. */
export interface JobResult {
  readonly status: FinalStatus;
  readonly exitCode?: number;
  readonly failureReason?: FailureReason;
  readonly message?: string;
  /** The failure does not fail the pipeline. */
  readonly allowFailure: boolean;
  readonly durationMs: number;
  readonly attempts: number;
  readonly coverage?: number;
  readonly artifacts: readonly ArtifactRecord[];
}

/**
 * The surroundings failed (engine down, disk full, image not to be had): not the user's script, not a bug of ours.
 * `job/` alone turns it into an Outcome; outside of a job it ends the program with exit code 4.
 */
export class SystemError extends Error {
  readonly reason: FailureReason;
  /** What the user can do about it, one line. */
  readonly hint: string | undefined;

  constructor(reason: FailureReason, message: string, options?: { cause?: unknown; hint?: string }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SystemError';
    this.reason = reason;
    this.hint = options?.hint;
  }
}
