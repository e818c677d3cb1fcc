import type { ImagePull } from './image-pull.ts';
import type { ExecutorName } from './job-spec.ts';
import type { FailureReason, FinalStatus, JobResult } from './outcome.ts';
import type { When } from './pipeline.ts';
import type { Phase } from './step.ts';

/** `at` is milliseconds since the Unix epoch; written as ISO time where it leaves the program. */
interface EventBase {
  readonly at: number;
}

/** A node of a plan as reporters see it: what to call it, what it waits for (`needs`: ids) and where it will run. */
export interface PlannedJob {
  readonly id: string;
  readonly name: string;
  readonly stage: string;
  readonly needs: readonly string[];
  readonly when: When;
  readonly executor: ExecutorName | 'bridge' | 'approval';
}

/** Everything that can happen in a run. Reporters are exhaustive folds over this union. */
export type Event =
  | (EventBase & {
      readonly type: 'pipeline-planned';
      readonly runId: string;
      /** Id of the job that started this pipeline; absent for the run's own. */
      readonly bridge?: string;
      readonly name?: string;
      readonly file: string;
      readonly stages: readonly string[];
      readonly jobs: readonly PlannedJob[];
    })
  /** The job waits for something other than its needs. */
  | (EventBase & {
      readonly type: 'job-waiting';
      readonly job: string;
      readonly for: 'resource-group' | 'delay';
      readonly untilMs?: number;
    })
  | (EventBase & {
      readonly type: 'job-started';
      readonly job: string;
      readonly attempt: number;
      readonly logPath: string;
    })
  /** A part of the job's life begins; what follows in its output belongs to it. */
  | (EventBase & {
      readonly type: 'section-started';
      readonly job: string;
      /** GitLab's stage name: `prepare_executor`, `get_sources`, `step_script`, `upload_artifacts_on_success`, … */
      readonly name: string;
      readonly caption: string;
      readonly phase: Phase;
    })
  | (EventBase & {
      readonly type: 'section-finished';
      readonly job: string;
      readonly name: string;
      readonly durationMs: number;
    })
  /** Bytes as they went into the job's log: masked, with ANSI sequences, chunks end anywhere. */
  | (EventBase & {
      readonly type: 'job-output';
      readonly job: string;
      readonly stream: 'stdout' | 'stderr' | 'system';
      readonly bytes: Uint8Array;
      /**
       * Only with `system`: a line that people should see even where the tool's own lines are left out. `step`: the name of the
       * user's step that begins, where its shell does not print its commands.
       */
      readonly level?: 'warning' | 'error' | 'step';
    })
  /** An image is pulled for the job. Jobs that wait for the same pull are all told; at most four times a second. */
  | (EventBase & ImagePull & { readonly type: 'image-pull'; readonly job: string })
  | (EventBase & {
      readonly type: 'job-retried';
      readonly job: string;
      /** Number of the try that comes now: 2 or 3. */
      readonly attempt: number;
      readonly reason: FailureReason;
    })
  | (EventBase & {
      readonly type: 'job-finished';
      readonly job: string;
      readonly result: JobResult;
      readonly because?: string;
    })
  | (EventBase & { readonly type: 'notice'; readonly message: string; readonly job?: string })
  | (EventBase & { readonly type: 'warning'; readonly message: string; readonly job?: string })
  | (EventBase & {
      readonly type: 'pipeline-finished';
      readonly status: FinalStatus;
      readonly durationMs: number;
      readonly jobs: Readonly<Record<string, JobResult>>;
    });

/** Where events go. Never throws, never waits. */
export type Emit = (event: Event) => void;

/** An event without its time, which the emitter adds. */
export type Untimed<E> = E extends { readonly at: number } ? Omit<E, 'at'> : never;
