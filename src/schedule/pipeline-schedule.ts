import type { Event, Untimed } from '../model/event.ts';
import {
  type FinalStatus,
  type JobResult,
  noOutputs,
  type Outcome,
  type Outputs,
  SystemError,
} from '../model/outcome.ts';
import { assertNever } from '../util/assert-never.ts';
import { waitsForChild } from './bridge-strategy.ts';
import { waitsForItself } from './circular-wait.ts';
import { shouldRetry } from './failure-policy.ts';
import { type JobSpecs, jobSpecs } from './job-specs.ts';
import { type NodeRun, newNodeRun } from './node-run.ts';
import {
  pipelineFailures,
  pipelineStatus,
  ranResult,
  settledStatus,
  unrunResult,
  type Why,
  whyOf,
} from './pipeline-result.ts';
import { plannedEvent, type RunSettings } from './plan-source-options.ts';
import { Readiness, type Released } from './readiness.ts';
import type { ScheduledPipeline } from './scheduled-pipeline.ts';
import type { WaitingRoom } from './waiting-room.ts';

/** What all pipelines of a run share. */
export interface RunServices {
  readonly settings: RunSettings;
  readonly waiting: WaitingRoom;
  emit(event: Untimed<Event>): void;
  /** Everything that a node waited for is there: a job goes to the workers, a bridge starts its pipeline. */
  due(schedule: PipelineSchedule, run: NodeRun): void;
  /** Cancels all pipelines of the run. */
  cancelAll(because: string): void;
  /** Nothing of the pipeline itself runs any more; pipelines that it started may. */
  ended(schedule: PipelineSchedule): void;
  /** Tells of a bug. */
  raise(error: unknown): void;
}

/** The bridge that started a pipeline, and whose it is. */
export interface Parent {
  readonly schedule: PipelineSchedule;
  readonly run: NodeRun;
}

/** One pipeline of a run: which of its nodes is due, and how each ended. Pipelines that its bridges start hang below it. */
export class PipelineSchedule {
  readonly pipeline: ScheduledPipeline;
  readonly parent: Parent | undefined;
  readonly runs: ReadonlyMap<string, NodeRun>;
  readonly specs: JobSpecs;
  readonly children: PipelineSchedule[] = [];
  readonly #services: RunServices;
  readonly #readiness: Readiness;
  /** Aborted when the rest of the pipeline is canceled: ends delays. */
  readonly #stopped = new AbortController();
  #unfinished: number;

  constructor(pipeline: ScheduledPipeline, services: RunServices, parent?: Parent) {
    const { nodes } = pipeline.plan;
    this.pipeline = pipeline;
    this.parent = parent;
    this.#services = services;
    this.#readiness = new Readiness(nodes);
    this.runs = new Map(nodes.map((node) => [node.id, newNodeRun(node)]));
    this.specs = jobSpecs(pipeline, this.runs, services.settings);
    this.#unfinished = nodes.length;
  }

  /** Does a failure of this pipeline fail the run? */
  get counts(): boolean {
    if (this.parent === undefined) return true;
    const { run, schedule } = this.parent;
    return waitsForChild(run) && run.node.allowFailure !== true && schedule.counts;
  }

  get status(): FinalStatus {
    return pipelineStatus(this.results());
  }

  /** Results of its own nodes, as far as they have ended. */
  results(): readonly JobResult[] {
    return [...this.runs.values()].flatMap(({ result }) => result ?? []);
  }

  /** Failures that count for this pipeline; for a bridge that waited, those of its pipeline. */
  failures(): readonly JobResult[] {
    return pipelineFailures(this.runs.values());
  }

  begin(): void {
    const { settings, emit } = this.#services;
    emit(plannedEvent(this.pipeline, settings.runId, this.parent?.run.node.id));
    this.#release(this.#readiness.start());
    if (this.pipeline.plan.nodes.length === 0) this.#finish();
  }

  /** Tells how a try of a job ended: it is tried again, or has ended. */
  judge(run: NodeRun, outcome: Outcome, outputs: Outputs): void {
    const { node } = run;
    if (outcome.status === 'failed' && node.kind === 'job' && !this.#stopped.signal.aborted) {
      if (shouldRetry(node.definition.retry, outcome, run.attempts + run.retriesBefore)) {
        const { reason } = outcome;
        this.#services.emit({ type: 'job-retried', job: node.id, attempt: run.attempts + 1, reason });
        this.#services.due(this, run);
        return;
      }
    }
    this.end(run, outcome, outputs);
  }

  /** Tells how a node ended for good. */
  end(run: NodeRun, outcome: Outcome, outputs: Outputs): void {
    const { node } = run;
    run.outputs = outputs;
    const durationMs = run.beganMs === undefined ? 0 : this.#services.settings.clock.elapsed() - run.beganMs;
    const result = ranResult(node, outcome, outputs, { durationMs, attempts: run.attempts });
    const released = this.#conclude(run, result, whyOf(outcome, result));
    if (result.status === 'failed' && !result.allowFailure) this.#stopOnFailure(`${node.id} failed`);
    this.#release(released);
  }

  /** The node is left aside, and jobs after it go on as if it had succeeded. */
  passOver(run: NodeRun, because: string): void {
    this.#release(this.#conclude(run, unrunResult(run.node, 'skipped'), { because, settlesAs: 'success' }));
  }

  /** The machine failing at a job's door is the job's failure; anything else is a bug that stops everything. */
  failOrBreak(run: NodeRun, error: unknown): void {
    if (!(error instanceof SystemError)) this.#services.raise(error);
    else this.end(run, { status: 'failed', reason: error.reason, message: error.message }, noOutputs);
  }

  /** Cancels what has not started and asks what runs to stop, in the pipelines below it too. */
  cancel(because: string): void {
    this.#stopped.abort(new Error(because));
    for (const run of this.runs.values()) {
      if (run.state === 'running') run.cancel.abort(new Error(because));
      else if (run.state !== 'ended') {
        this.#conclude(run, unrunResult(run.node, 'canceled', { durationMs: 0, attempts: run.attempts }), { because });
      }
    }
    for (const child of this.children) child.cancel(because);
  }

  #stopOnFailure(because: string): void {
    if (this.#services.settings.onFailure === 'stop' && this.counts) this.#services.cancelAll(because);
    else if (this.#services.settings.onFailure === 'stop' || this.pipeline.plan.autoCancelOnJobFailure === 'all') {
      this.cancel(because);
    }
  }

  /** Works off a list instead of recursing: a skipped job may skip a chain of thousands. */
  #release(released: readonly Released[]): void {
    const pending = [...released];
    for (let index = 0; index < pending.length; index++) {
      const { node, verdict } = pending[index]!;
      const run = this.runs.get(node.id)!;
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
        default:
          assertNever(verdict);
      }
    }
  }

  /** @returns what is released when the node ends right here because nothing of it is to be run. */
  #makeDue(run: NodeRun): readonly Released[] {
    const { node } = run;
    if (countsWay(node)) run.retriesBefore = this.#retriesBefore(node);
    if (node.when === 'manual') {
      return this.#conclude(run, unrunResult(node, 'manual'), { because: 'not started' });
    }
    if (node.kind === 'approval') return this.#conclude(run, unrunResult(node, 'success'));
    run.state = 'waiting';
    this.#services.waiting.enter({
      node,
      group: this.groupOf(run),
      signal: this.#stopped.signal,
      isWaiting: () => run.state === 'waiting',
      ready: () => this.#services.due(this, run),
      failed: (error) => this.failOrBreak(run, error),
      isStuck: (holderOf) => waitsForItself(this, this.groupOf(run)!, holderOf),
    });
    return [];
  }

  #retriesBefore({ needs }: NodeRun['node']): number {
    return needs.reduce((most, { id }) => {
      const need = this.runs.get(id);
      return need === undefined ? most : Math.max(most, need.retriesBefore + Math.max(0, need.attempts - 1));
    }, 0);
  }

  /** Name of its resource group, with the project whose it is. */
  groupOf({ node }: NodeRun): string | undefined {
    return node.resourceGroup === undefined ? undefined : `${this.pipeline.projectPath}/${node.resourceGroup}`;
  }

  /** Records how a node ended. @returns the nodes that waited for it. */
  #conclude(run: NodeRun, result: JobResult, why: Why & { readonly settlesAs?: 'success' } = {}): readonly Released[] {
    run.state = 'ended';
    run.result = result;
    this.#unfinished--;
    const because = why.because === undefined ? {} : { because: why.because };
    this.#services.emit({ type: 'job-finished', job: run.node.id, result, ...because });
    this.#services.waiting.leave(run.node);
    const settled = why.settlesAs ?? settledStatus(result);
    const blocking = why.blockedBy ?? (settled === 'blocked' ? run.node.id : undefined);
    if (blocking !== undefined) run.blockedBy = blocking;
    const released = this.#readiness.settle(run.node, blocking === undefined ? settled : 'blocked', blocking);
    if (this.#unfinished === 0) this.#finish();
    return released;
  }

  #finish(): void {
    this.#stopped.abort(new Error('the pipeline has ended'));
    this.#services.ended(this);
  }
}

/** See Retry.counts; nodes without jobs hand on what came before them. */
function countsWay(node: NodeRun['node']): boolean {
  return node.kind === 'approval' || (node.kind === 'job' && node.definition.retry.counts === 'way');
}
