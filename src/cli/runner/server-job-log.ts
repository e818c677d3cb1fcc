import { debugTraceOf } from '../../runner/job/debug-trace.ts';
import { isFlagOn } from '../../runner/job/feature-flag.ts';
import type { TakenJob } from '../../runner/manager/runner-manager.ts';
import type { RunnerInfo } from '../../runner/network/features.ts';
import { credentialsOf } from '../../runner/registration/kept-runners.ts';
import type { RunnerLog } from '../../runner/runner-log.ts';
import { type JobTrace, openJobTrace } from '../../runner/trace/job-trace.ts';
import type { Clock } from '../../util/clock.ts';
import type { RunnerPace } from './runner-pace.ts';

/** What logs of jobs need. */
export interface ServerLogParts {
  /** Where logs lie that are not sent yet. */
  readonly places: { readonly traces: string };
  readonly systemId: string;
  readonly clock: Clock;
  readonly pace: RunnerPace;
  readonly log: RunnerLog;
  /** Sending ends at once; what is not sent stays on the disk. */
  readonly giveUp: AbortSignal;
}

/** Opens the log of a job that a server has handed out. @throws SystemError: the disk doesn't take it. */
export function openTrace(
  { runner, client, answer }: TakenJob,
  parts: ServerLogParts,
  info: RunnerInfo,
): Promise<JobTrace> {
  const { job } = answer;
  const { token: _, ...server } = credentialsOf(runner);
  return openJobTrace({
    directory: parts.places.traces,
    server,
    job: { id: job.id, token: job.token },
    systemId: parts.systemId,
    debugTrace: debugTraceOf({ runner, job }),
    lines: isFlagOn('FF_TIMESTAMPS', { runner, job, otherwise: true }) ? 'stamped' : 'plain',
    note: runner.name,
    // The state is told less often where the server wants less of the log.
    forceSend: isFlagOn('FF_USE_DYNAMIC_TRACE_FORCE_SEND_INTERVAL', { runner, job, otherwise: false })
      ? 'dynamic'
      : 'fixed',
    ...{ client, info, clock: parts.clock, log: parts.log, giveUp: parts.giveUp },
    limits: {
      ...parts.pace.trace,
      ...{ outputLimitBytes: runner.outputLimitBytes, finalTries: runner.finalUpdateRetryLimit },
    },
  });
}
