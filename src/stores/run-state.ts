import type { FinalStatus, JobResult } from '../model/outcome.ts';
import type { Variable } from '../model/variable.ts';
import type { ProcessIdentity } from '../util/process-identity.ts';
import type { Owner } from '../util/process-owner.ts';

/** What `run.json` holds: how far a run is, or how it ended. */
export interface RunState {
  readonly schema: 'ci/1';
  /** A small number as text. */
  readonly id: string;
  /** The pipeline file, relative to the project root. */
  readonly file: string;
  /** Branch or tag; absent where HEAD is detached, and in runs of older versions. */
  readonly ref?: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly finishedAt?: string;
  /** Absent while it runs, or when it was killed. */
  readonly status?: FinalStatus;
  /** Who runs it; less of it in runs of older versions. */
  readonly process: Owner | ProcessIdentity;
  /** Ids of the jobs that were to run; absent until the plan is made. */
  readonly planned?: readonly string[];
  /** Jobs that have ended, by id. */
  readonly jobs: Readonly<Record<string, JobRecord>>;
}

/** How a job ended and what of it is needed to go on from it in another run. */
export type JobRecord = JobResult & {
  /** Absolute. */
  readonly logPath: string;
  /** Variables it left by `artifacts:reports:dotenv`. */
  readonly dotenv?: readonly Variable[];
};
