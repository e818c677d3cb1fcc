import type { Event } from '../model/event.ts';
import { assertNever } from '../util/assert-never.ts';
import type { Verbosity } from './reporter.ts';

/** The last try of a job that has started. */
export interface StartedJob {
  /** When its first try began, milliseconds since the Unix epoch. */
  readonly at: number;
  readonly logPath: string;
}

/** What a reporter does that prints each job's log when the job has ended, for places that can't show jobs side by side. */
export interface EndedJobs {
  started(event: Event & { type: 'job-started' }): void;
  retried(event: Event & { type: 'job-retried' }): void;
  /** @param start absent: the job never ran. */
  finished(event: Event & { type: 'job-finished' }, start: StartedJob | undefined): void;
  message(event: Event & { type: 'notice' | 'warning' }): void;
}

/** Tells such a reporter of the events that it prints; a quiet one hears of ends and warnings alone. */
export function tellEndedJobs(verbosity: Verbosity, reporter: EndedJobs): (event: Event) => void {
  const started = new Map<string, StartedJob>();
  const quiet = verbosity === 'quiet';
  return (event) => {
    switch (event.type) {
      case 'job-started':
        started.set(event.job, { at: started.get(event.job)?.at ?? event.at, logPath: event.logPath });
        if (!quiet) reporter.started(event);
        return;
      case 'job-retried':
        if (!quiet) reporter.retried(event);
        return;
      case 'job-finished':
        reporter.finished(event, started.get(event.job));
        started.delete(event.job);
        return;
      case 'notice':
      case 'warning':
        if (event.type === 'warning' || !quiet) reporter.message(event);
        return;
      case 'pipeline-planned':
      case 'job-waiting':
      case 'section-started':
      case 'image-pull':
      case 'section-finished':
      case 'job-output':
      case 'pipeline-finished':
        return;
      default:
        assertNever(event);
    }
  };
}
