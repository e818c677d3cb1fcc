import type { PlannedJob } from '../model/event.ts';
import type { FailureReason, FinalStatus, Findings } from '../model/outcome.ts';
import type { Phase } from '../model/step.ts';

/** What became of a run, or of what has happened of it so far. Plain data: every summary and report is made of it. */
export interface RunSummary {
  readonly runId?: string;
  /** `workflow:name`. */
  readonly name?: string;
  readonly file?: string;
  /** `running`: the pipeline has not finished. */
  readonly status: FinalStatus | 'running';
  /** Of the first event, milliseconds since the Unix epoch. */
  readonly startedAt?: number;
  readonly durationMs: number;
  readonly stages: readonly string[];
  /** In the order of the plan; jobs that came up later (child pipelines) after them. */
  readonly jobs: readonly JobSummary[];
  readonly counts: Counts;
  /** Ids of the jobs, in order of time, each of which the next had to wait for, up to the one that ended last. */
  readonly criticalPath: readonly string[];
  readonly messages: readonly Message[];
}

/** How many jobs ended how. Allowed failures are counted in `allowedFailures` and not in `failed`. */
export type Counts = Readonly<Record<FinalStatus | 'allowedFailures' | 'unfinished', number>>;

/** A remark of a run that is no job's output; with `job` (an id) it is about that one. */
export interface Message {
  readonly kind: 'notice' | 'warning';
  readonly message: string;
  readonly job?: string;
}

/** One job of a run, after it or in the middle of it. Times are milliseconds since the Unix epoch. */
export interface JobSummary extends PlannedJob, Findings {
  readonly status: FinalStatus | 'waiting' | 'running';
  /** Of the first try; absent if it never started. */
  readonly startedAt?: number;
  readonly finishedAt?: number;
  readonly durationMs: number;
  /** From the moment at which its needs had ended to its start: waiting for a free place, a delay, a resource group. */
  readonly queueMs?: number;
  readonly waitedFor?: 'resource-group' | 'delay';
  /** Of the last try. */
  readonly sections: readonly SectionSummary[];
  readonly attempts: number;
  readonly allowFailure: boolean;
  readonly exitCode?: number;
  readonly failureReason?: FailureReason;
  readonly message?: string;
  readonly because?: string;
  /** The last lines of its output, at most 50; colours kept, other sequences gone. */
  readonly tail: readonly string[];
  readonly logPath?: string;
}

/** A part of a job's log; without a duration it has not ended. */
export interface SectionSummary {
  readonly name: string;
  readonly caption: string;
  readonly phase: Phase;
  readonly durationMs?: number;
}
