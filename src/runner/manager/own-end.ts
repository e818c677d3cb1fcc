import type { Clock } from '../../util/clock.ts';
import type { JobRequestOutcome } from '../network/gitlab-client.ts';

/** When a runner ends by itself. */
export interface OwnEndRules {
  /** After so many jobs; absent: any number. */
  readonly maxJobs?: number;
  /** When no job came for so long; absent: it waits for ever. */
  readonly waitTimeoutMs?: number;
  /** When the server refused the runner so often in a row. */
  readonly mostRefusals: number;
}

/** Why it ended. `unanswered`: the last question had no good answer either. */
export type OwnEndCause =
  | { readonly kind: 'all-jobs-done' }
  | { readonly kind: 'waited'; readonly unanswered?: string }
  | { readonly kind: 'refused'; readonly why: string };

/**
 * Watches a runner that takes one job after the other, and ends it when its work is done.
 * Source: `gitlab-runner run-single`; that one waits on where the server refuses it.
 */
export class OwnEnd implements Disposable {
  readonly #rules: OwnEndRules;
  readonly #clock: Clock;
  readonly #ended = new AbortController();
  #waiting = new AbortController();
  #jobs = 0;
  #refusals = 0;
  #lastFailure: string | undefined;
  #cause: OwnEndCause | undefined;

  /** Waits for the first job from now on. */
  constructor(rules: OwnEndRules, clock: Clock) {
    this.#rules = rules;
    this.#clock = clock;
    void this.#wait();
  }

  /** Aborted when no further job is to be taken. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** Undefined: it has not ended by itself. */
  get cause(): OwnEndCause | undefined {
    return this.#cause;
  }

  /** A question for a job was answered. */
  answered(outcome: JobRequestOutcome): void {
    if (outcome.kind === 'aborted') return;
    this.#refusals = outcome.healthy ? 0 : this.#refusals + 1;
    this.#lastFailure = outcome.kind === 'failed' ? outcome.why : undefined;
    if (outcome.kind === 'job') this.#waiting.abort();
    if (this.#refusals >= this.#rules.mostRefusals) this.#end({ kind: 'refused', why: this.#lastFailure ?? '' });
  }

  /** A job is over. `never-began`: it was so before it began, and does not count. */
  jobEnded(how: 'ran' | 'never-began'): void {
    if (how === 'ran') this.#jobs += 1;
    if (this.#jobs === this.#rules.maxJobs) this.#end({ kind: 'all-jobs-done' });
    else void this.#wait();
  }

  /** Lets go of the time that it waits for. */
  [Symbol.dispose](): void {
    this.#waiting.abort();
  }

  async #wait(): Promise<void> {
    const { waitTimeoutMs } = this.#rules;
    if (waitTimeoutMs === undefined) return;
    this.#waiting.abort();
    const waiting = new AbortController();
    this.#waiting = waiting;
    await this.#clock.sleep(waitTimeoutMs, waiting.signal);
    if (waiting.signal.aborted) return;
    const unanswered = this.#lastFailure;
    this.#end(unanswered === undefined ? { kind: 'waited' } : { kind: 'waited', unanswered });
  }

  #end(cause: OwnEndCause): void {
    this.#waiting.abort();
    this.#cause ??= cause;
    this.#ended.abort();
  }
}
