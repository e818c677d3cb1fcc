import type { Emit } from '../model/event.ts';
import type { Outcome } from '../model/outcome.ts';
import type { RunnerEntry } from './config/runner-config.ts';
import type { TakenJob } from './manager/runner-manager.ts';
import type { JobRequestOutcome } from './network/gitlab-client.ts';
import type { CallObserved } from './network/transport.ts';
import type { RunnerLogLevel } from './runner-log.ts';
import type { TraceResult } from './trace/trace-record.ts';

/** Looks at what runners do, for statistics. Nothing that it is told changes what happens. */
export interface RunnerWatcher {
  /** It was a runner's turn to ask for a job. `limit`, `requests`: it may not, that is used up. */
  fed(runner: RunnerEntry, how: 'taken' | 'limit' | 'requests'): void;
  /** A question for a job was answered. */
  answered(runner: RunnerEntry, outcome: JobRequestOutcome): void;
  /** A call to a server has ended. */
  called(call: CallObserved): void;
  /** A line of the runner's own log. */
  logged(level: RunnerLogLevel): void;
  /** The file of runners was written, or could not be. */
  saved(how: 'saved' | 'failed'): void;
  /** A job came from a server. */
  jobTaken(job: TakenJob): WatchedJob;
}

/** One job that is watched. */
export interface WatchedJob {
  readonly emit: Emit;
  /** Its work is done; log and result are still to be sent. */
  worked(outcome: Outcome): void;
  /** It is over, with the result that the server was told, if it was told one. */
  ended(result?: TraceResult): void;
}

const nobody: WatchedJob = { emit: () => {}, worked: () => {}, ended: () => {} };

/** Looks away. */
export const unwatched: RunnerWatcher = {
  fed: () => {},
  answered: () => {},
  called: () => {},
  logged: () => {},
  saved: () => {},
  jobTaken: () => nobody,
};
