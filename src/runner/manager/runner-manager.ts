import { anySignal } from '../../util/any-signal.ts';
import type { Clock } from '../../util/clock.ts';
import { deferred } from '../../util/deferred.ts';
import { canTakeJobs } from '../config/known-executors.ts';
import type { RunnerConfig, RunnerEntry } from '../config/runner-config.ts';
import { type AcknowledgePace, refuseJob } from '../job/begin-job.ts';
import type { GitlabClient, JobRequest, JobRequestOutcome, SessionInfo } from '../network/gitlab-client.ts';
import { type RunnerLog, shortToken } from '../runner-log.ts';
import { RunnerState } from './runner-state.ts';

/** How often the file is looked at. */
const configCheckMs = 3000;

type JobOutcome = Extract<JobRequestOutcome, { readonly kind: 'job' }>;
type UnreadableOutcome = Extract<JobRequestOutcome, { readonly kind: 'unreadable' }>;

/** A job that a server has handed to one of the runners. */
export interface TakenJob {
  readonly runner: RunnerEntry;
  readonly client: GitlabClient;
  readonly answer: JobOutcome;
  /** What was sent with the question that brought it. */
  readonly session?: SessionInfo;
  /** The program is being stopped: end the job as `runner_interrupted`, and tell the server. */
  readonly interrupted: AbortSignal;
}

/** What the manager does its work with. */
export interface ManagerPorts {
  /** The configuration as it is now. */
  readonly config: () => RunnerConfig;
  /** Called every 3 s. */
  readonly refresh: () => Promise<void>;
  /** The client of a runner; the same one while its credentials stay. */
  readonly clientOf: (runner: RunnerEntry) => GitlabClient;
  /** All of the request but its signal. */
  readonly requestOf: (runner: RunnerEntry) => Omit<JobRequest, 'signal'>;
  /** Runs a job to its end and tells the server; it does not throw. */
  readonly runJob: (job: TakenJob) => Promise<void>;
  /** Told of each turn of a runner, for statistics. */
  readonly fed?: (runner: RunnerEntry, how: 'taken' | 'limit' | 'requests') => void;
  /** Told of each answer, for statistics. */
  readonly answered?: (runner: RunnerEntry, outcome: JobRequestOutcome) => void;
  /** How often a server is told of a job that can't be read. */
  readonly acknowledge?: AcknowledgePace;
  readonly clock: Clock;
  readonly log: RunnerLog;
}

/** How the manager is stopped. */
export interface ManagerStops {
  /** Take no further job, let those that run end. */
  readonly drain: AbortSignal;
  /** End the jobs that run, too. */
  readonly interrupt: AbortSignal;
}

/**
 * Asks the servers for jobs and runs them: `concurrent` at once of all runners, each runner within its own limits, until
 * it is stopped. Source: "2.5 Polling and concurrency" of GitLab Runner.
 */
export class RunnerManager {
  readonly #ports: ManagerPorts;
  readonly #stops: ManagerStops;
  readonly #states = new Map<string, RunnerState>();
  /** Questions and jobs under way. */
  readonly #busy = new Set<Promise<void>>();
  #freed = deferred();

  constructor(ports: ManagerPorts, stops: ManagerStops) {
    this.#ports = ports;
    this.#stops = stops;
  }

  /** Jobs and questions under way. */
  get busy(): number {
    return this.#busy.size;
  }

  /** The state of a runner, for metrics. */
  stateOf(runner: RunnerEntry): RunnerState {
    const key = `${runner.url} ${runner.token}`;
    const state = this.#states.get(key) ?? new RunnerState(runner, this.#ports.clock);
    this.#states.set(key, state);
    return state;
  }

  /**
   * Resolves when it was stopped and the last job has ended: `ended`. `timed-out`: jobs that were interrupted took longer
   * than `shutdown_timeout`.
   */
  async run(): Promise<'ended' | 'timed-out'> {
    using stop = anySignal([this.#stops.drain, this.#stops.interrupt]);
    const watching = this.#watchConfig(stop.signal);
    while (!stop.signal.aborted) await this.#feedAll(stop.signal);
    const ended = Promise.all([...this.#busy, watching]).then(() => 'ended' as const);
    return Promise.race([ended, this.#patience()]);
  }

  /** Ends some time after the jobs were interrupted. */
  async #patience(): Promise<'timed-out'> {
    const { interrupt } = this.#stops;
    const interrupted = deferred();
    interrupt.addEventListener('abort', () => interrupted.resolve(), { once: true });
    if (!interrupt.aborted) await interrupted.promise;
    await this.#ports.clock.sleep(this.#ports.config().shutdownTimeoutMs);
    return 'timed-out';
  }

  async #watchConfig(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await this.#ports.refresh().catch((error: Error) => {
        this.#ports.log('error', `The configuration could not be looked at: ${error.message}`);
      });
      await this.#ports.clock.sleep(configCheckMs, stop);
    }
  }

  /** One round: each runner once, with a pause behind each. */
  async #feedAll(stop: AbortSignal): Promise<void> {
    const { runners, checkIntervalMs } = this.#ports.config();
    if (runners.length === 0) await this.#ports.clock.sleep(checkIntervalMs, stop);
    for (const runner of runners) {
      if (!this.#rests(runner)) {
        await this.#untilFree(stop);
        if (stop.aborted) return;
        this.#feed(runner, stop);
      }
      await this.#ports.clock.sleep(checkIntervalMs / runners.length, stop);
      if (stop.aborted) return;
    }
  }

  #rests(runner: RunnerEntry): boolean {
    return !canTakeJobs(runner) || this.stateOf(runner).isResting();
  }

  #isFree(): boolean {
    return this.#busy.size < this.#ports.config().concurrent;
  }

  async #untilFree(stop: AbortSignal): Promise<void> {
    const stopped = (): void => this.#freed.resolve();
    stop.addEventListener('abort', stopped, { once: true });
    while (!stop.aborted && !this.#isFree()) {
      this.#freed = deferred();
      await this.#freed.promise;
    }
    stop.removeEventListener('abort', stopped);
  }

  /** Lets a worker ask for a job and run it. */
  #feed(runner: RunnerEntry, stop: AbortSignal): void {
    const state = this.stateOf(runner);
    const taken = state.take(runner);
    this.#ports.fed?.(runner, taken);
    if (taken !== 'taken') return;
    const work = this.#work(runner, state, stop).finally(() => {
      this.#busy.delete(work);
      this.#freed.resolve();
    });
    this.#busy.add(work);
  }

  async #work(runner: RunnerEntry, state: RunnerState, stop: AbortSignal): Promise<void> {
    const client = this.#ports.clientOf(runner);
    const request = this.#ports.requestOf(runner);
    const outcome = await this.#ask(runner, state, client, { ...request, signal: stop });
    if (outcome.kind === 'unreadable') await this.#refuse(runner, client, outcome);
    if (outcome.kind !== 'job') return;
    state.begin();
    // Where one job is waiting there may be more: the next is asked for at once.
    if (!runner.strictCheckInterval && !stop.aborted && this.#isFree() && !this.#rests(runner))
      this.#feed(runner, stop);
    try {
      const session = request.session === undefined ? {} : { session: request.session };
      await this.#ports.runJob({ runner, client, answer: outcome, ...session, interrupted: this.#stops.interrupt });
    } catch (error) {
      // One job that goes wrong must not end the others.
      const { stack, message } = error as Error;
      this.#ports.log('error', `A job was lost: ${stack ?? message}`, { name: runner.name, job: outcome.job.id });
    } finally {
      state.end();
    }
  }

  /** Tells the server that a job can't be run: what it sent makes no sense. */
  async #refuse(runner: RunnerEntry, client: GitlabClient, { credentials, why }: UnreadableOutcome): Promise<void> {
    this.#ports.log('error', `The server sent a job that can't be read: ${why}`, {
      name: runner.name,
      job: credentials?.id,
    });
    if (credentials === undefined) return;
    const { requestOf, clock, acknowledge: pace } = this.#ports;
    await refuseJob({
      ...{ client, clock, job: credentials, info: requestOf(runner).info, signal: this.#stops.interrupt },
      ...(pace === undefined ? {} : { pace }),
    });
  }

  async #ask(
    runner: RunnerEntry,
    state: RunnerState,
    client: GitlabClient,
    request: JobRequest,
  ): Promise<JobRequestOutcome> {
    const outcome = await client.requestJob(request);
    this.#ports.answered?.(runner, outcome);
    const isResting = state.answered({ ...outcome, gotJob: outcome.kind === 'job' });
    if (isResting) {
      const forMs = runner.unhealthyIntervalMs;
      const message = `Runner is unhealthy: it is not asked for ${forMs / 1000} s`;
      this.#ports.log('error', message, { runner: shortToken(runner.token), name: runner.name });
    }
    return outcome;
  }
}
