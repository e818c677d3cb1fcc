import type { Event } from '../model/event.ts';

/** A fold over the events of one run that writes something. */
export interface Reporter {
  /** Takes the next event, in order. Never throws, never waits. */
  on(event: Event): void;
  /** Writes what is left (summary, files) and resolves when all of it is handed over. No events after this. */
  close(): Promise<void>;
  /** Leaves the terminal sane at once, without waiting: for the second Ctrl-C. `close` may still be called. */
  abort?(): void;
  /** Leaves the terminal to somebody else until what it gives is called. Events go on meanwhile. */
  hold?(): () => void;
}

/** How much a reporter for people prints: `quiet` only failures and the summary, `verbose` also sections and timings. */
export type Verbosity = 'quiet' | 'normal' | 'verbose';

/**
 * One reporter that passes events to several. One that throws is dropped, so that the others go on.
 * `close` closes all of them, then throws what they threw (a single error as it is, several as AggregateError).
 */
export function fanOut(reporters: readonly Reporter[]): Reporter {
  const alive = new Set(reporters);
  const errors: unknown[] = [];
  return {
    on(event) {
      for (const reporter of alive) {
        try {
          reporter.on(event);
        } catch (error) {
          alive.delete(reporter);
          errors.push(error);
        }
      }
    },
    async close() {
      const closed = await Promise.allSettled(reporters.map((reporter) => reporter.close()));
      for (const result of closed) if (result.status === 'rejected') errors.push(result.reason);
      if (errors.length === 1) throw errors[0];
      if (errors.length > 1) throw new AggregateError(errors, 'several reporters failed');
    },
    abort() {
      for (const reporter of reporters) reporter.abort?.();
    },
  };
}
