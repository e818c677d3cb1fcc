import type { JobDescription, PipelineDescription } from '../description.ts';

/** A runner as the server keeps it. */
export interface Runner {
  readonly id: number;
  token: string;
  tokenExpiresAtMs: number | undefined;
  /** How long a new token lives; absent: for ever. */
  readonly tokenLifeMs: number | undefined;
  /** `registered`: by a registration token. `created`: in the user interface, its token begins with `glrt-`. */
  readonly kind: 'registered' | 'created';
  description: string;
  maintenanceNote: string | undefined;
  tags: readonly string[];
  runUntagged: boolean;
  paused: boolean;
  locked: boolean;
  accessLevel: 'not_protected' | 'ref_protected';
  /** Seconds. */
  maximumTimeout: number | undefined;
  /** Its owner is gone: every request of it is refused by 422. */
  orphaned: boolean;
  /** By system id. */
  readonly managers: Map<string, RunnerManager>;
  /** Changes whenever a job appears that the runner could take. */
  queueValue: string;
}

/** One machine that uses a runner's token. */
export interface RunnerManager {
  readonly systemId: string;
  contactedAtMs: number;
  /** What its last request said of itself. */
  info: Readonly<Record<string, unknown>>;
  /** What is kept of its features, and since when: renewed only now and then. */
  kept: { readonly features: Readonly<Record<string, unknown>>; readonly sinceMs: number };
}

export type JobStatus =
  | 'created'
  | 'manual'
  | 'pending'
  | 'running'
  | 'canceling'
  | 'success'
  | 'failed'
  | 'canceled'
  | 'skipped';

export interface StatusChange {
  readonly status: JobStatus;
  readonly atMs: number;
  /** Why, where the server keeps that: a failure reason. */
  readonly reason?: string;
}

export interface StoredArtifact {
  readonly type: string;
  readonly format: string;
  readonly fileName: string;
  readonly content: Buffer;
  readonly sha256: string;
  readonly expireIn: string | undefined;
  readonly expiresAtMs: number | undefined;
  readonly accessibility: string | undefined;
}

/** What the last final update said of the log, against what the server holds. */
export interface ChecksumVerdict {
  readonly given: string;
  readonly actual: string;
  readonly bytesize: number | undefined;
  readonly actualBytesize: number;
  readonly valid: boolean;
}

export interface Job {
  readonly id: number;
  readonly token: string;
  readonly description: JobDescription;
  readonly pipeline: Pipeline;
  readonly stage: string;
  status: JobStatus;
  readonly history: StatusChange[];
  runner: Runner | undefined;
  managerId: string | undefined;
  /** Handed out in two phases and not confirmed: who has it, and when it was last heard of. */
  waitingForAck: { readonly systemId: string; heardAtMs: number } | undefined;
  cancelGracefully: boolean;
  /** Pieces of the log; `traceSize` is their sum. */
  readonly trace: Buffer[];
  traceSize: number;
  debugTrace: boolean;
  watched: boolean;
  /** The first final update with a checksum came at this time: chunks are being moved. */
  pendingStateAtMs: number | undefined;
  readonly checksums: ChecksumVerdict[];
  readonly artifacts: Map<string, StoredArtifact>;
  /** What its dotenv report said. */
  readonly dotenv: Map<string, string>;
  failureReason: string | undefined;
  exitCode: number | undefined;
  erased: boolean;
  queuedAtMs: number;
  startedAtMs: number | undefined;
  updatedAtMs: number;
  /** Its token is good until then. */
  tokenExpiresAtMs: number;
  /** What the request said that took it: how to reach the runner's session server. */
  session: Readonly<Record<string, unknown>>;
  /** How often it was handed out by `jobs/request`: more than once is a mistake of the server. */
  handedOut: number;
  /** The id of the job that took its place. */
  retriedBy: number | undefined;
  readonly retries: number;
}

export interface Pipeline {
  readonly id: number;
  readonly project: Project;
  readonly description: PipelineDescription;
  readonly stages: readonly string[];
  readonly ref: string;
  readonly sha: string;
  readonly beforeSha: string;
  /** All tries of all jobs, in the order they were made. */
  readonly jobs: Job[];
}

export interface Project {
  readonly id: number;
  /** `group/name`. */
  readonly path: string;
  /** Bare repository. Absent: the project has none, and its jobs can get no sources. */
  readonly repository: string | undefined;
  /** `0`: whole history. */
  readonly depth: number;
  pendingDelete: boolean;
}

/** The server has let go of it: no more changes but erasing. */
export function isFinished(job: Job): boolean {
  return ['success', 'failed', 'canceled', 'skipped'].includes(job.status);
}

/** A runner may speak for the job: it runs, is being cancelled, or waits to be confirmed. */
export function isExecuting(job: Job): boolean {
  return job.status === 'running' || job.status === 'canceling' || job.waitingForAck !== undefined;
}

/** The whole log. */
export function traceOf(job: Job): Buffer {
  return Buffer.concat(job.trace);
}
