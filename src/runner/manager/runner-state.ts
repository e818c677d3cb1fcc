import type { Clock } from '../../util/clock.ts';
import type { RunnerEntry } from '../config/runner-config.ts';
import { type AdaptiveConcurrency, adaptiveConcurrency } from '../network/adaptive-concurrency.ts';
import { type RunnerHealth, runnerHealth } from '../network/runner-health.ts';

/** How a question for a job went, as far as it changes how often is asked. */
export interface Asked {
  readonly healthy: boolean;
  /** The server wants to be asked less. */
  readonly retried: boolean;
  readonly gotJob: boolean;
}

/**
 * What is known of one runner while the program runs: its jobs, its open questions, its health. It outlives a change
 * of the file. Sources of the figures: "2.1 HTTP retry", "2.5 Polling" of GitLab Runner's behaviour.
 */
export class RunnerState {
  #jobs = 0;
  /** Jobs that run, and questions that may bring one. */
  #builds = 0;
  #requests = 0;
  readonly #health: RunnerHealth;
  readonly #adaptive: AdaptiveConcurrency;
  /** As the file had it when it was its turn. */
  #entry: RunnerEntry;

  constructor(entry: RunnerEntry, clock: Clock) {
    this.#entry = entry;
    const limits = () => ({
      requestsLimit: this.#entry.unhealthyRequestsLimit,
      intervalMs: this.#entry.unhealthyIntervalMs,
    });
    this.#health = runnerHealth({ clock, limits });
    this.#adaptive = adaptiveConcurrency(() => this.#entry.requestConcurrency);
  }

  get builds(): number {
    return this.#builds;
  }

  get requests(): number {
    return this.#requests;
  }

  /** Jobs that run. */
  get jobs(): number {
    return this.#jobs;
  }

  /** Questions at once that the answers so far call for. */
  get adaptiveLimit(): number {
    return this.#adaptive.limit;
  }

  /** Questions at once that are allowed now. */
  requestLimit(entry: RunnerEntry): number {
    if (entry.featureFlags['FF_USE_ADAPTIVE_REQUEST_CONCURRENCY'] === false) return entry.requestConcurrency;
    return Math.max(1, Math.min(entry.requestConcurrency, this.#adaptive.limit));
  }

  /** It failed too often, and is left alone for a while. */
  isResting(): boolean {
    return !this.#health.isHealthy();
  }

  /** Takes the place of a job, and the right to ask for it. `limit`, `requests`: that is used up. */
  take(entry: RunnerEntry): 'taken' | 'limit' | 'requests' {
    this.#entry = entry;
    if (entry.limit > 0 && this.#builds >= entry.limit) return 'limit';
    if (this.#requests >= this.requestLimit(entry)) return 'requests';
    this.#builds += 1;
    this.#requests += 1;
    return 'taken';
  }

  /** The question has been answered. @returns whether the runner rests from now on. */
  answered(asked: Asked): boolean {
    this.#requests -= 1;
    if (!asked.gotJob) this.#builds -= 1;
    this.#adaptive.record(asked.retried ? 'retried' : asked.gotJob ? 'job' : 'empty');
    this.#health.record(asked.healthy ? 'healthy' : 'unhealthy');
    return this.isResting();
  }

  /** A job begins. */
  begin(): void {
    this.#jobs += 1;
  }

  /** A job has ended. */
  end(): void {
    this.#jobs -= 1;
    this.#builds -= 1;
  }
}
