import type { Event, Untimed } from '../model/event.ts';
import { type JobResult, noOutputs, type Outcome, type Outputs, SystemError } from '../model/outcome.ts';
import type { JobNode, Plan } from '../model/plan.ts';
import type { JobLease, JobSource } from '../model/ports.ts';
import { deferred } from '../util/deferred.ts';
import { shouldRetry } from './failure-policy.ts';
import { type JobSpecs, jobSpecs } from './job-specs.ts';
import { plannedNumber } from './make-job-spec.ts';
import { type NodeRun, newNodeRun } from './node-run.ts';
import { type PipelineResult, pipelineStatus, ranResult, settledStatus, unrunResult } from './pipeline-result.ts';
import { type PlanSourceOptions, plannedEvent } from './plan-source-options.ts';
import { Readiness, type Released } from './readiness.ts';
import { ReadyQueue } from './ready-queue.ts';
import { WaitingRoom } from './waiting-room.ts';

/**
 * Plays the server for one plan: knows which job is due, hands it out, decides about retries, delays, manual jobs,
 * resource groups and skipping, and tells what happens. Nothing polls; what the end of a job makes possible is handed
 * out in the same tick.
 */
export class PlanSource implements JobSource {
  /** Resolves when everything has ended, after `pipeline-finished` was emitted. */
  readonly finished: Promise<PipelineResult>;
  readonly #plan: Plan;
  readonly #options: PlanSourceOptions;
  readonly #readiness: Readiness;
  readonly #runs: ReadonlyMap<string, NodeRun>;
  readonly #specs: JobSpecs;
  readonly #waiting: WaitingRoom;
  readonly #ready = new ReadyQueue<NodeRun>();
  readonly #leases = new Map<JobLease, NodeRun>();
  readonly #background = new Set<Promise<unknown>>();
  /** Aborted when the rest of the pipeline is canceled: ends delays and waiting for locks. */
  readonly #stopped = new AbortController();
  readonly #end = deferred<PipelineResult>();
  #startedAt: number | undefined;
  #unfinished: number;
  #nextNumber: number;
  #canceledByUser = false;
  /** A bug, or the machine failed outside of a job: `next` throws it. */
  #broken = false;

  constructor(plan: Plan, options: PlanSourceOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#readiness = new Readiness(plan.nodes);
    this.#runs = new Map(plan.nodes.map((node) => [node.id, newNodeRun(node)]));
    this.#specs = jobSpecs(plan, this.#runs, options);
    this.#waiting = new WaitingRoom({
      clock: options.clock,
      locks: options.locks,
      projectPath: options.projectPath,
      signal: this.#stopped.signal,
      tell: (node, what) => this.#emit({ type: 'job-waiting', job: node.id, ...what }),
      background: (work) => void this.#inBackground(work),
    });
    this.#unfinished = plan.nodes.length;
    this.#nextNumber = 1 + plan.nodes.reduce((most, node) => Math.max(most, plannedNumber(node) ?? 0), 0);
    this.finished = this.#end.promise;
    // Who only works off jobs need not look at it.
    this.finished.catch(() => {});
  }

  async next(signal: AbortSignal): Promise<JobLease | undefined> {
    this.#begin();
    for (;;) {
      const run = await this.#ready.take(signal, ({ state }) => state === 'queued');
      if (run === undefined) return undefined;
      // It may have been canceled between being handed over and this line.
      if (run.state !== 'queued') continue;
      const lease = await this.#dispatch(run);
      if (lease !== undefined) return lease;
    }
  }

  async settle(lease: JobLease, outcome: Outcome, outputs: Outputs): Promise<void> {
    const run = this.#leases.get(lease);
    if (run === undefined) throw new Error(`${lease.spec.id} is not leased`);
    this.#leases.delete(lease);
    const { log } = run;
    delete run.log;
    const closed = log === undefined ? Promise.resolve() : this.#inBackground(log.close());
    this.#judge(run, outcome, outputs);
    await closed;
  }

  /**
   * Ends the run early. The first call cancels what has not started and asks running jobs to stop (`after_script`
   * still runs); a second one makes them drop everything.
   */
  cancel(reason: string): void {
    if (this.#canceledByUser) {
      for (const run of this.#runs.values()) if (run.state === 'running') run.abort.abort(new Error(reason));
      return;
    }
    this.#canceledByUser = true;
    this.#begin();
    this.#cancelRest(reason);
  }

  #begin(): void {
    if (this.#startedAt !== undefined) return;
    this.#startedAt = this.#options.clock.now();
    this.#emit(plannedEvent(this.#plan, this.#options));
    this.#release(this.#readiness.start());
    if (this.#plan.nodes.length === 0) this.#finish();
  }

  /** Works off a list instead of recursing: a skipped job may skip a chain of thousands. */
  #release(released: readonly Released[]): void {
    const pending = [...released];
    for (let index = 0; index < pending.length; index++) {
      const { node, verdict } = pending[index]!;
      const run = this.#runs.get(node.id)!;
      if (run.state !== 'created') continue;
      switch (verdict.kind) {
        case 'run':
          pending.push(...this.#makeDue(run));
          break;
        case 'skip':
          pending.push(...this.#conclude(run, unrunResult(node, 'skipped'), { because: verdict.because }));
          break;
        case 'blocked': {
          const because = `waits for manual job ${verdict.by}`;
          pending.push(...this.#conclude(run, unrunResult(node, 'skipped'), { because, blockedBy: verdict.by }));
          break;
        }
      }
    }
  }

  /** @returns what is released when the node ends right here because nothing of it is to be run. */
  #makeDue(run: NodeRun): readonly Released[] {
    const { node } = run;
    if (node.when === 'manual') {
      return this.#conclude(run, unrunResult(node, 'manual'), { because: 'not started' });
    }
    if (node.kind === 'approval') return this.#conclude(run, unrunResult(node, 'success'));
    if (node.kind === 'bridge') {
      const because = 'child pipelines are not run yet';
      this.#emit({ type: 'warning', job: node.id, message: `${node.id}: ${because}` });
      return this.#conclude(run, unrunResult(node, 'skipped'), { because });
    }
    run.state = 'waiting';
    this.#waiting.enter({
      node,
      isWaiting: () => run.state === 'waiting',
      ready: () => this.#enqueue(run),
      failed: (error) => this.#failOrBreak(run, error),
    });
    return [];
  }

  #enqueue(run: NodeRun): void {
    run.state = 'queued';
    this.#ready.push(run);
  }

  async #dispatch(run: NodeRun): Promise<JobLease | undefined> {
    const node = run.node as JobNode;
    run.state = 'running';
    run.attempts++;
    run.startedAt ??= this.#options.clock.now();
    const planned = run.attempts === 1 ? plannedNumber(node) : undefined;
    run.number = planned ?? this.#nextNumber++;
    try {
      run.log = await this.#options.openLog(node.id, run.attempts);
    } catch (error) {
      this.#failOrBreak(run, error);
      return undefined;
    }
    const lease: JobLease = {
      spec: this.#specs.of(node, run),
      cancel: run.cancel.signal,
      abort: run.abort.signal,
      log: run.log.sink,
    };
    this.#leases.set(lease, run);
    this.#emit({ type: 'job-started', job: node.id, attempt: run.attempts, logPath: run.log.path });
    return lease;
  }

  #judge(run: NodeRun, outcome: Outcome, outputs: Outputs): void {
    const { node } = run;
    const stopping = this.#stopped.signal.aborted;
    if (outcome.status === 'failed' && node.kind === 'job' && !stopping) {
      if (shouldRetry(node.definition.retry, outcome, run.attempts)) {
        this.#emit({ type: 'job-retried', job: node.id, attempt: run.attempts + 1, reason: outcome.reason });
        this.#enqueue(run);
        return;
      }
    }
    this.#endRun(run, outcome, outputs);
  }

  #endRun(run: NodeRun, outcome: Outcome, outputs: Outputs): void {
    run.outputs = outputs;
    const durationMs = run.startedAt === undefined ? 0 : this.#options.clock.now() - run.startedAt;
    const result = ranResult(run.node, outcome, outputs, { durationMs, attempts: run.attempts });
    const because = outcome.status === 'skipped' ? { because: outcome.because } : {};
    const released = this.#conclude(run, result, because);
    if (result.status === 'failed' && !result.allowFailure && this.#stopsOnFailure()) {
      this.#cancelRest(`${run.node.id} failed`);
    }
    this.#release(released);
  }

  #stopsOnFailure(): boolean {
    return this.#options.onFailure === 'stop' || this.#plan.autoCancelOnJobFailure === 'all';
  }

  /** Records how a node ended. @returns the nodes that waited for it. */
  #conclude(
    run: NodeRun,
    result: JobResult,
    why: { readonly because?: string; readonly blockedBy?: string } = {},
  ): readonly Released[] {
    run.state = 'ended';
    run.result = result;
    this.#unfinished--;
    const because = why.because === undefined ? {} : { because: why.because };
    this.#emit({ type: 'job-finished', job: run.node.id, result, ...because });
    this.#waiting.leave(run.node);
    const blocking = why.blockedBy ?? (settledStatus(result) === 'blocked' ? run.node.id : undefined);
    const released = this.#readiness.settle(
      run.node,
      blocking === undefined ? settledStatus(result) : 'blocked',
      blocking,
    );
    if (this.#unfinished === 0) this.#finish();
    return released;
  }

  #cancelRest(because: string): void {
    if (this.#stopped.signal.aborted && !this.#canceledByUser) return;
    this.#stopped.abort(new Error(because));
    for (const run of this.#runs.values()) {
      if (run.state === 'running') run.cancel.abort(new Error(because));
      else if (run.state !== 'ended') {
        this.#conclude(run, unrunResult(run.node, 'canceled', { durationMs: 0, attempts: run.attempts }), { because });
      }
    }
  }

  /** The machine failing at a job's door is the job's failure; anything else is a bug that stops everything. */
  #failOrBreak(run: NodeRun, error: unknown): void {
    if (error instanceof SystemError) {
      this.#endRun(run, { status: 'failed', reason: error.reason, message: error.message }, noOutputs);
      return;
    }
    this.#raise(error);
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
      this.#stopped.abort(new Error('the pipeline has ended'));
      while (this.#background.size > 0) await Promise.all(this.#background);
      const jobs = Object.fromEntries([...this.#runs].map(([id, run]) => [id, run.result!]));
      const status = pipelineStatus(Object.values(jobs));
      const durationMs = this.#options.clock.now() - this.#startedAt!;
      if (!this.#broken) this.#emit({ type: 'pipeline-finished', status, durationMs, jobs });
      this.#end.resolve({ status, durationMs, jobs });
      this.#ready.close();
    });
  }

  #emit(event: Untimed<Event>): void {
    this.#options.emit({ ...event, at: this.#options.clock.now() } as Event);
  }
}
