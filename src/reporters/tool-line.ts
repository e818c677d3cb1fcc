import type { Event } from '../model/event.ts';

/** Is this output a line of the tool's own about the job's life that only the log and `-v` need? */
export function isToolLine({ stream, level }: Extract<Event, { type: 'job-output' }>): boolean {
  return stream === 'system' && level === undefined;
}
