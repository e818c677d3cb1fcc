import type { Event, Untimed } from '../model/event.ts';
import { noOutputs, type Outcome, type Outputs } from '../model/outcome.ts';
import type { JobNode, Plan } from '../model/plan.ts';
import type { JobLease, JobSource } from '../model/ports.ts';
import { deferred } from '../util/deferred.ts';
import { type BridgeServices, concludeBridge, openBridge } from './bridges.ts';
import { foreignJobs } from './foreign-needs.ts';
import { IdPrefixes } from './id-prefixes.ts';
import { plannedNumber } from './make-job-spec.ts';
import type { NodeRun } from './node-run.ts';
import type { PipelineResult } from './pipeline-result.ts';
import { PipelineSchedule } from './pipeline-schedule.ts';
import type { PlanSourceOptions } from './plan-source-options.ts';
import { ReadyQueue } from './ready-queue.ts';
import type { EndedJob } from './scheduled-pipeline.ts';
import { WaitingRoom } from './waiting-room.ts';

/** A node that may start, and whose pipeline it is. */
interface Due {
  readonly schedule: PipelineSchedule;
  readonly run: NodeRun;
}

/**
 * Plays the server for one run: its pipelines tell which job is due, this hands it out, to whichever worker asks first. So
 * pipelines share the workers, and end together when the run does. Nothing polls; what the end of a job makes possible
 * is handed out in the same tick.
 */
export class PlanSource implements JobSource {
  /** Resolves when everything has ended, after `pipeline-finished` was emitted. */
  readonly finished: Promise<PipelineResult>;
  readonly #options: PlanSourceOptions;
  readonly #root: PipelineSchedule;
  /** All pipelines of the run, each after the one that started it. */
  readonly #schedules: PipelineSchedule[];
  readonly #ready = new ReadyQueue<Due>();
  readonly #leases = new Map<JobLease, Due>();
  readonly #background = new Set<Promise<unknown>>();
  /** Aborted when all has ended: ends waiting for locks. */
  readonly #over = new AbortController();
  readonly #prefixes = new IdPrefixes();
  readonly #end = deferred<PipelineResult>();
  #beganMs: number | undefined;
  /** Pipelines of which something has not ended. */
  #open = 1;
  /** With those that bridges are about to start. */
  #pipelines = 1;
  #nextNumber: number;
  #canceledByUser = false;
  /** A bug, or the machine failed outside of a job: `next` throws it. */
  #broken = false;

  constructor(plan: Plan, options: PlanSourceOptions) {
    this.#options = options;
    this.#root = new PipelineSchedule({ ...options, plan }, this.#services());
    this.#schedules = [this.#root];
    this.#prefixes.add(this.#root.runs.keys());
    this.#nextNumber = 1 + plan.nodes.reduce((most, node) => Math.max(most, plannedNumber(node) ?? 0), 0);
    this.finished = this.#end.promise;
    // Who only works off jobs need not look at it.
    this.finished.catch(() => {});
  }

  async next(signal: AbortSignal): Promise<JobLease | undefined> {
    this.#begin();
    for (;;) {
      const due = await this.#ready.take(signal, ({ run }) => run.state === 'queued');
      if (due === undefined) return undefined;
      // It may have been canceled between being handed over and this line.
      if (due.run.state !== 'queued') continue;
      const lease = await this.#dispatch(due);
      if (lease !== undefined) return lease;
    }
  }

  async settle(lease: JobLease, outcome: Outcome, outputs: Outputs): Promise<void> {
    const due = this.#leases.get(lease);
    if (due === undefined) throw new Error(`${lease.spec.id} is not leased`);
    this.#leases.delete(lease);
    const { schedule, run } = due;
    const { log } = run;
    delete run.log;
    const closed = log === undefined ? Promise.resolve() : this.#inBackground(log.close());
    schedule.judge(run, outcome, outputs);
    await closed;
  }

  /**
   * Ends the run early. The first call cancels what has not started and asks running jobs to stop (`after_script`
   * still runs); a second one makes them drop everything.
   */
  cancel(reason: string): void {
    if (this.#canceledByUser) {
      for (const { runs } of this.#schedules) {
        for (const run of runs.values()) if (run.state === 'running') run.abort.abort(new Error(reason));
      }
      return;
    }
    this.#canceledByUser = true;
    this.#begin();
    this.#root.cancel(reason);
  }

  #services(): BridgeServices {
    const options = this.#options;
    const { clock, locks } = options;
    const background = (work: Promise<unknown>): void => void this.#inBackground(work);
    const emit = (event: Untimed<Event>): void => this.#emit(event);
    const waiting = new WaitingRoom({
      ...{ clock, locks, background, signal: this.#over.signal },
      tell: (node, what) => emit({ type: 'job-waiting', job: node.id, ...what }),
    });
    const services: BridgeServices = {
      ...{ settings: options, waiting, emit, background },
      due: (schedule, run) => {
        if (run.node.kind === 'bridge') background(openBridge(schedule, run, services));
        else this.#enqueue({ schedule, run });
      },
      cancelAll: (because) => this.#root.cancel(because),
      ended: (schedule) => {
        if (schedule.parent !== undefined) concludeBridge(schedule, services);
        this.#open--;
        if (this.#open === 0) this.#finish();
      },
      raise: (error) => this.#raise(error),
      takeNumber: (schedule, run) => this.#takeNumber({ schedule, run }),
      add: (schedule) => {
        this.#open++;
        this.#schedules.push(schedule);
        this.#prefixes.add(schedule.runs.keys());
      },
      count: () => ++this.#pipelines,
      prefixes: this.#prefixes,
    };
    return services;
  }

  #begin(): void {
    if (this.#beganMs !== undefined) return;
    this.#beganMs = this.#options.clock.elapsed();
    this.#root.begin();
  }

  #enqueue(due: Due): void {
    due.run.state = 'queued';
    this.#ready.push(due);
  }

  /** The number that the plan gave; those of other pipelines and of later tries come after all of the first plan's. */
  #takeNumber({ schedule, run }: Due): number {
    const planned = run.attempts === 1 && schedule === this.#root ? plannedNumber(run.node) : undefined;
    return planned ?? this.#nextNumber++;
  }

  async #dispatch(due: Due): Promise<JobLease | undefined> {
    const { schedule, run } = due;
    const node = run.node as JobNode;
    run.state = 'running';
    run.attempts++;
    run.beganMs ??= this.#options.clock.elapsed();
    run.number = this.#takeNumber(due);
    let elsewhere: readonly EndedJob[] = [];
    try {
      if (node.definition.foreignNeeds !== undefined) {
        const found = await foreignJobs(schedule, run, this.#schedules);
        if (found.kind === 'missing') {
          const { message } = found;
          schedule.end(run, { status: 'failed', reason: 'missing_dependency_failure', message }, noOutputs);
          return undefined;
        }
        elsewhere = found.jobs;
      }
      run.log = await this.#options.openLog(node.id, run.attempts);
    } catch (error) {
      schedule.failOrBreak(run, error);
      return undefined;
    }
    const lease: JobLease = {
      spec: schedule.specs.of(node, run, elsewhere),
      cancel: run.cancel.signal,
      abort: run.abort.signal,
      log: run.log.sink,
    };
    this.#leases.set(lease, due);
    this.#emit({ type: 'job-started', job: node.id, attempt: run.attempts, logPath: run.log.path });
    return lease;
  }

  #raise(error: unknown): void {
    this.#broken = true;
    this.#end.reject(error);
    this.#ready.close({ error });
  }

  #inBackground(work: Promise<unknown>): Promise<void> {
    const watched = work.then(
      () => {},
      (error: unknown) => this.#raise(error),
    );
    this.#background.add(watched);
    return watched.finally(() => this.#background.delete(watched));
  }

  /** Everything has ended: waits for logs to be on disk and locks to be free, then tells. */
  #finish(): void {
    // Not started from inside the loop that may still conclude other nodes and release locks.
    queueMicrotask(async () => {
      this.#over.abort(new Error('the run has ended'));
      while (this.#background.size > 0) await Promise.all(this.#background);
      const all = this.#schedules.flatMap(({ runs }) => [...runs]);
      const jobs = Object.fromEntries(all.map(([id, run]) => [id, run.result!]));
      const { status } = this.#root;
      const failures = this.#root.failures();
      const durationMs = this.#options.clock.elapsed() - this.#beganMs!;
      if (!this.#broken) this.#emit({ type: 'pipeline-finished', status, durationMs, jobs });
      this.#end.resolve({ status, durationMs, jobs, failures });
      this.#ready.close();
    });
  }

  #emit(event: Untimed<Event>): void {
    this.#options.emit({ ...event, at: this.#options.clock.now() } as Event);
  }
}
