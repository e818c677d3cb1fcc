import { SystemError } from '../../model/outcome.ts';
import type { RemoteTerminal, VisitorPort } from '../../model/ports.ts';
import { anySignal } from '../../util/any-signal.ts';
import { type Deferred, deferred } from '../../util/deferred.ts';
import type { RunnerLog } from '../runner-log.ts';

type Enter = Parameters<VisitorPort['open']>[0];

/** The right to be the one who is in. */
export interface Seat {
  /** The job sends him away. */
  readonly leave: AbortSignal;
  /** Lets him in, and resolves when he is out. */
  enter(terminal: RemoteTerminal, gone: AbortSignal): Promise<void>;
  /** He has not come after all; nothing once he did. */
  giveBack(): void;
}

/** What a session is made of. */
export interface JobSessionGiven {
  /** The number of the job, for the log. */
  readonly job: number;
  /** What `Authorization` has to say. Secret. */
  readonly authorization: string;
  readonly stayMs: number;
  readonly log: RunnerLog;
  /** Called when nobody should find it any more. */
  readonly forget: () => void;
}

/** Who may come into one job: its place opens and closes the door, the server brings people. */
export class JobSession implements VisitorPort, AsyncDisposable {
  readonly job: number;
  readonly authorization: string;
  readonly stayMs: number;
  readonly #log: RunnerLog;
  readonly #forget: () => void;
  readonly #decided = deferred();
  #enter: Enter | undefined;
  #isClosed = false;
  #visit: { readonly leave: AbortController; readonly over: Deferred<void> } | undefined;

  constructor({ job, authorization, stayMs, log, forget }: JobSessionGiven) {
    this.job = job;
    this.authorization = authorization;
    this.stayMs = stayMs;
    this.#log = log;
    this.#forget = forget;
  }

  open(enter: Enter): void {
    this.#enter = enter;
    this.#decided.resolve();
  }

  refuse(): void {
    this.#isClosed = true;
    this.#decided.resolve();
  }

  isOccupied(): boolean {
    return this.#visit !== undefined;
  }

  async empty(): Promise<void> {
    await this.#visit?.over.promise;
  }

  async close(): Promise<void> {
    this.refuse();
    this.#visit?.leave.abort();
    await this.empty();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#forget();
    await this.close();
  }

  /** Resolves when it is known whether people can come in. */
  get decided(): Promise<void> {
    return this.#decided.promise;
  }

  /** Takes the only seat. `none`: there is no way in; `taken`: somebody is. */
  take(): Seat | 'none' | 'taken' {
    const enter = this.#enter;
    if (enter === undefined || this.#isClosed) return 'none';
    if (this.#visit !== undefined) return 'taken';
    const visit = { leave: new AbortController(), over: deferred() };
    this.#visit = visit;
    let hasEntered = false;
    const over = (): void => {
      if (this.#visit === visit) this.#visit = undefined;
      visit.over.resolve();
    };
    return {
      leave: visit.leave.signal,
      enter: async (terminal, gone) => {
        hasEntered = true;
        using either = anySignal([gone, visit.leave.signal]);
        try {
          await enter(terminal, either.signal);
        } catch (error) {
          const known = error instanceof SystemError;
          const text = known ? error.message : String((error as Error).stack ?? error);
          this.#log('error', `Terminal failed: ${text}`, { job: this.job });
          await terminal.write(Buffer.from(`\r\n${known ? text : 'the terminal failed'}\r\n`));
        } finally {
          over();
        }
      },
      giveBack: () => {
        if (!hasEntered) over();
      },
    };
  }
}
