import type { Emit, Event, Untimed } from '../model/event.ts';
import type { Dependency, Source } from '../model/job-spec.ts';
import { type JobResult, noOutputs, type Outcome, type Outputs, SystemError } from '../model/outcome.ts';
import type { JobNode, Plan, PlanNode } from '../model/plan.ts';
import type { JobLease, JobSource, LogSink, ResourceLocks } from '../model/ports.ts';
import type { Variable } from '../model/variable.ts';
import type { Clock } from '../util/clock.ts';
import { deferred } from '../util/deferred.ts';
import { ancestorsOf } from './ancestors.ts';
import { exitCodeOf, forgives, shouldRetry } from './failure-policy.ts';
import { makeJobSpec } from './make-job-spec.ts';
import { type PipelineResult, pipelineStatus, settledStatus, unrunResult } from './pipeline-result.ts';
import { Readiness, type Released } from './readiness.ts';
import { ResourceGroups } from './resource-groups.ts';

/** Where one try of a job writes its log. */
export interface JobLog {
  readonly sink: LogSink;
  readonly path: string;
  /** Resolves when everything is on disk. */
  close(): Promise<void>;
}

/** A job of an earlier run whose artifacts and variables this run uses (`--from`, `--failed`). */
export interface EarlierJob {
  readonly name: string;
  readonly outputs: Outputs;
}

export interface PlanSourceOptions {
  readonly runId: string;
  /** The pipeline file, for `pipeline-planned`. */
  readonly file: string;
  /** `group/name`. */
  readonly projectPath: string;
  /** Where all jobs get their sources from. */
  readonly source: Source;
  readonly emit: Emit;
  readonly clock: Clock;
  /** Opens the log of a job's try; the source closes it. */
  openLog(jobId: string, attempt: number): JobLog | Promise<JobLog>;
  /** Makes resource groups hold between runs on this machine too. Absent: only within this run. */
  readonly locks?: ResourceLocks;
  /** `stop`: the first failure that counts cancels everything else. Default: `continue`. */
  readonly onFailure?: 'continue' | 'stop';
  /** `CI_JOB_ID` of the first job handed out; default 1. */
  readonly firstJobNumber?: number;
  /** Further variables of a job at dispatch (`CI_JOB_URL`, `CI_JOB_TOKEN`, …); `number` is its `CI_JOB_ID`. */
  variables?(node: JobNode, number: number): readonly Variable[];
  /** By id. */
  readonly earlier?: ReadonlyMap<string, EarlierJob>;
}

interface Run {
  readonly node: PlanNode;
  state: 'created' | 'waiting' | 'queued' | 'running' | 'ended';
  attempts: number;
  number?: number;
  startedAt?: number;
  readonly cancel: AbortController;
  readonly abort: AbortController;
  log?: JobLog;
  /** The node's resource group is this run's; `held` is the lock on it, if there are locks. */
  group: { readonly held: AsyncDisposable | undefined } | undefined;
  outputs: Outputs;
  result?: JobResult;
}

/** A log on this machine notices within this time that another run holds a lock; only then is waiting worth telling. */
const lockNoticeMs = 100;

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
  readonly #runs: ReadonlyMap<string, Run>;
  readonly #groups: ResourceGroups;
  readonly #queue: Run[] = [];
  readonly #takers: ((run: Run | undefined) => void)[] = [];
  readonly #leases = new Map<JobLease, Run>();
  readonly #background = new Set<Promise<unknown>>();
  /** Aborted when the rest of the pipeline is canceled: ends delays and waiting for locks. */
  readonly #stopped = new AbortController();
  readonly #end = deferred<PipelineResult>();
  #startedAt: number | undefined;
  #unfinished: number;
  #nextNumber: number;
  #canceledByUser = false;
  /** A bug, or the machine failing outside of a job: `next` throws it. */
  #fault: { readonly error: unknown } | undefined;

  constructor(plan: Plan, options: PlanSourceOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#readiness = new Readiness(plan.nodes);
    this.#runs = new Map(plan.nodes.map((node) => [node.id, newRun(node)]));
    this.#groups = new ResourceGroups(options.locks, this.#stopped.signal);
    this.#unfinished = plan.nodes.length;
    this.#nextNumber = options.firstJobNumber ?? 1;
    this.finished = this.#end.promise;
    // Who only works off jobs need not look at it.
    this.finished.catch(() => {});
  }

  async next(signal: AbortSignal): Promise<JobLease | undefined> {
    this.#begin();
    for (;;) {
      const run = await this.#take(signal);
      if (run === undefined) return undefined;
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
    const { name, stages, nodes } = this.#plan;
    this.#emit({
      type: 'pipeline-planned',
      runId: this.#options.runId,
      ...(name === undefined ? {} : { name }),
      file: this.#options.file,
      stages,
      jobs: nodes.map((node) => ({
        id: node.id,
        name: node.name,
        stage: node.stage,
        needs: node.scheduling === 'dag' ? node.needs.map(({ id }) => id) : [],
        when: node.when,
        executor: node.kind === 'job' ? node.executor : node.kind,
      })),
    });
    this.#release(this.#readiness.start());
    if (nodes.length === 0) this.#finish();
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
  #makeDue(run: Run): readonly Released[] {
    const { node } = run;
    if (node.when === 'manual') {
      return this.#conclude(run, unrunResult(node, 'manual'), { because: 'manual, and not started' });
    }
    if (node.kind === 'approval') return this.#conclude(run, unrunResult(node, 'success'));
    if (node.kind === 'bridge') {
      const because = 'child pipelines are not run yet';
      this.#emit({ type: 'warning', job: node.id, message: `${node.id}: ${because}` });
      return this.#conclude(run, unrunResult(node, 'skipped'), { because });
    }
    if (node.when === 'delayed') this.#delay(run, node.startInMs ?? 0);
    else this.#enterGroup(run);
    return [];
  }

  #delay(run: Run, delayMs: number): void {
    const { clock } = this.#options;
    run.state = 'waiting';
    this.#emit({ type: 'job-waiting', job: run.node.id, for: 'delay', untilMs: clock.now() + delayMs });
    const slept = clock.sleep(delayMs, this.#stopped.signal).then(() => {
      if (run.state === 'waiting') this.#enterGroup(run);
    });
    this.#inBackground(slept);
  }

  #enterGroup(run: Run): void {
    const { resourceGroup } = run.node;
    if (resourceGroup === undefined || run.group !== undefined) {
      this.#enqueue(run);
      return;
    }
    run.state = 'waiting';
    const name = this.#groupName(resourceGroup);
    if (this.#groups.isBusy(name)) this.#emit({ type: 'job-waiting', job: run.node.id, for: 'resource-group' });
    else if (this.#options.locks !== undefined) this.#noticeLock(run);
    this.#groups.request(name, {
      granted: (held) => {
        run.group = { held };
        if (run.state === 'waiting') this.#enqueue(run);
        else this.#leaveGroup(run);
      },
      failed: (error) => {
        run.group = { held: undefined };
        if (run.state !== 'waiting') this.#leaveGroup(run);
        else this.#failOrFault(run, error);
      },
    });
  }

  #noticeLock(run: Run): void {
    const noticed = this.#options.clock.sleep(lockNoticeMs, this.#stopped.signal).then(() => {
      if (run.state === 'waiting') this.#emit({ type: 'job-waiting', job: run.node.id, for: 'resource-group' });
    });
    this.#inBackground(noticed);
  }

  #leaveGroup(run: Run): void {
    const { resourceGroup } = run.node;
    if (resourceGroup === undefined || run.group === undefined) return;
    const { held } = run.group;
    run.group = undefined;
    this.#inBackground(this.#groups.release(this.#groupName(resourceGroup), held));
  }

  #groupName(resourceGroup: string): string {
    return `${this.#options.projectPath}/${resourceGroup}`;
  }

  #enqueue(run: Run): void {
    run.state = 'queued';
    const taker = this.#takers.shift();
    if (taker === undefined) this.#queue.push(run);
    else {
      run.state = 'running';
      taker(run);
    }
  }

  #take(signal: AbortSignal): Promise<Run | undefined> {
    if (this.#fault !== undefined) return Promise.reject(this.#fault.error);
    if (signal.aborted) return Promise.resolve(undefined);
    for (let run = this.#queue.shift(); run !== undefined; run = this.#queue.shift()) {
      if (run.state !== 'queued') continue;
      run.state = 'running';
      return Promise.resolve(run);
    }
    if (this.#unfinished === 0) return this.finished.then(() => undefined);
    const taken = deferred<Run | undefined>();
    const taker = (run: Run | undefined): void => {
      signal.removeEventListener('abort', leave);
      if (run === undefined && this.#fault !== undefined) taken.reject(this.#fault.error);
      else taken.resolve(run);
    };
    const leave = (): void => {
      this.#takers.splice(this.#takers.indexOf(taker), 1);
      taken.resolve(undefined);
    };
    signal.addEventListener('abort', leave, { once: true });
    this.#takers.push(taker);
    return taken.promise;
  }

  async #dispatch(run: Run): Promise<JobLease | undefined> {
    const node = run.node as JobNode;
    run.attempts++;
    run.startedAt ??= this.#options.clock.now();
    run.number = this.#nextNumber++;
    try {
      run.log = await this.#options.openLog(node.id, run.attempts);
    } catch (error) {
      this.#failOrFault(run, error);
      return undefined;
    }
    const lease: JobLease = {
      spec: this.#specOf(node, run),
      cancel: run.cancel.signal,
      abort: run.abort.signal,
      log: run.log.sink,
    };
    this.#leases.set(lease, run);
    this.#emit({ type: 'job-started', job: node.id, attempt: run.attempts, logPath: run.log.path });
    return lease;
  }

  #specOf(node: JobNode, run: Run) {
    const number = run.number!;
    const given = node.artifactsFrom.flatMap((id) => this.#endedJob(id) ?? []);
    const wantsWorkspace = node.definition.steps.some(({ kind }) => kind === 'attach-workspace');
    return makeJobSpec(node, {
      runId: this.#options.runId,
      projectPath: this.#options.projectPath,
      source: this.#options.source,
      attempt: run.attempts,
      number,
      variables: this.#options.variables?.(node, number) ?? [],
      dotenv: given.flatMap(({ outputs }) => outputs.dotenv),
      dependencies: given.map(({ dependency }) => dependency),
      workspaceFrom: wantsWorkspace ? ancestorsOf(node, this.#plan.nodes) : [],
    });
  }

  /** A job of this run that ran, or one of an earlier run. */
  #endedJob(id: string): { readonly dependency: Dependency; readonly outputs: Outputs } | undefined {
    const run = this.#runs.get(id);
    if (run === undefined) {
      const earlier = this.#options.earlier?.get(id);
      return earlier && { dependency: { id, name: earlier.name }, outputs: earlier.outputs };
    }
    if (run.number === undefined || run.state !== 'ended') return undefined;
    return { dependency: { id, name: run.node.name, number: run.number }, outputs: run.outputs };
  }

  #judge(run: Run, outcome: Outcome, outputs: Outputs): void {
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

  #endRun(run: Run, outcome: Outcome, outputs: Outputs): void {
    run.outputs = outputs;
    const result = this.#resultOf(run, outcome, outputs);
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

  #resultOf(run: Run, outcome: Outcome, outputs: Outputs): JobResult {
    const { node } = run;
    const base: JobResult = {
      status: outcome.status,
      allowFailure: node.allowFailure === true,
      durationMs: run.startedAt === undefined ? 0 : this.#options.clock.now() - run.startedAt,
      attempts: run.attempts,
      ...(outputs.coverage === undefined ? {} : { coverage: outputs.coverage }),
      artifacts: outputs.artifacts,
    };
    if (outcome.status !== 'failed') return base;
    const exitCode = exitCodeOf(outcome);
    return {
      ...base,
      allowFailure: forgives(node.allowFailure, outcome),
      failureReason: outcome.reason,
      ...(exitCode === undefined ? {} : { exitCode }),
      ...(outcome.message === undefined ? {} : { message: outcome.message }),
    };
  }

  /** Records how a node ended. @returns the nodes that waited for it. */
  #conclude(
    run: Run,
    result: JobResult,
    why: { readonly because?: string; readonly blockedBy?: string } = {},
  ): readonly Released[] {
    run.state = 'ended';
    run.result = result;
    this.#unfinished--;
    const because = why.because === undefined ? {} : { because: why.because };
    this.#emit({ type: 'job-finished', job: run.node.id, result, ...because });
    this.#leaveGroup(run);
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
  #failOrFault(run: Run, error: unknown): void {
    if (error instanceof SystemError) {
      this.#endRun(run, { status: 'failed', reason: error.reason, message: error.message }, noOutputs);
      return;
    }
    this.#raise(error);
  }

  #raise(error: unknown): void {
    this.#fault ??= { error };
    this.#end.reject(error);
    for (const taker of this.#takers.splice(0)) taker(undefined);
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
      if (this.#fault === undefined) this.#emit({ type: 'pipeline-finished', status, durationMs, jobs });
      this.#end.resolve({ status, durationMs, jobs });
      for (const taker of this.#takers.splice(0)) taker(undefined);
    });
  }

  #emit(event: Untimed<Event>): void {
    this.#options.emit({ ...event, at: this.#options.clock.now() } as Event);
  }
}

function newRun(node: PlanNode): Run {
  return {
    node,
    state: 'created',
    attempts: 0,
    cancel: new AbortController(),
    abort: new AbortController(),
    group: undefined,
    outputs: noOutputs,
  };
}
