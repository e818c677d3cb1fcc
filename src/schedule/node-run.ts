import { type JobResult, noOutputs, type Outputs } from '../model/outcome.ts';
import type { PlanNode } from '../model/plan.ts';
import type { JobLog } from './plan-source-options.ts';

/** How far a node of the plan has come. */
export interface NodeRun {
  /** As the plan has it. */
  readonly node: PlanNode;
  /** `waiting`: due, but for its delay or resource group. `queued`: a worker may take it. */
  state: 'created' | 'waiting' | 'queued' | 'running' | 'ended';
  /** How often it was handed out. */
  attempts: number;
  /** See Retry.counts: the most retries on a way that leads to it. */
  retriesBefore: number;
  /** `CI_JOB_ID` of the last try; absent: it was never handed out. */
  number?: number;
  /** When its first try began, as `Clock.elapsed` counts. */
  beganMs?: number;
  readonly cancel: AbortController;
  readonly abort: AbortController;
  /** Open while it runs. */
  log?: JobLog;
  outputs: Outputs;
  /** Once it has ended. */
  result?: JobResult;
  /** The manual job that it waits for, or itself when it is that, once it has ended. */
  blockedBy?: string;
  /** Of a bridge: the failures of the pipeline that it waited for, once that has ended. */
  failuresBelow?: readonly JobResult[];
}

/** A node that nothing was done for. */
export function newNodeRun(node: PlanNode): NodeRun {
  return {
    node,
    state: 'created',
    attempts: 0,
    retriesBefore: 0,
    cancel: new AbortController(),
    abort: new AbortController(),
    outputs: noOutputs,
  };
}
