import { Buffer } from 'node:buffer';
import { hideMasked } from '../model/hide-masked.ts';
import { noOutputs, type Outcome } from '../model/outcome.ts';
import type { BridgeNode } from '../model/plan.ts';
import { assertNever } from '../util/assert-never.ts';
import { strategyOf, waitsForChild } from './bridge-strategy.ts';
import type { IdPrefixes } from './id-prefixes.ts';
import type { NodeRun } from './node-run.ts';
import { PipelineSchedule, type RunServices } from './pipeline-schedule.ts';
import type { BridgeDispatch, Expansion } from './scheduled-pipeline.ts';

/** Most pipelines of one run. Source: https://docs.gitlab.com/administration/instance_limits/#limit-pipeline-hierarchy-size */
const mostPipelines = 1000;

/** What bridges use besides what all pipelines of the run share. */
export interface BridgeServices extends RunServices {
  /** A number of its own for the bridge, as jobs have one. */
  takeNumber(schedule: PipelineSchedule, run: NodeRun): number;
  /** A pipeline more. */
  add(schedule: PipelineSchedule): void;
  /** Counts one pipeline more, which is not there yet. @returns how many there are then. */
  count(): number;
  readonly prefixes: IdPrefixes;
  /** Keeps track of work that nobody awaits. */
  background(work: Promise<unknown>): void;
}

/** Starts what a bridge starts, and ends the bridge: at once, or when its pipeline has ended. */
export async function openBridge(schedule: PipelineSchedule, run: NodeRun, services: BridgeServices): Promise<void> {
  const node = run.node as BridgeNode;
  const { settings } = services;
  const { expand } = schedule.pipeline;
  if (expand === undefined) {
    const because = 'other pipelines are not started here';
    services.emit({ type: 'warning', job: node.id, message: because });
    schedule.passOver(run, because);
    return;
  }
  run.state = 'running';
  run.attempts = 1;
  run.beganMs = settings.clock.elapsed();
  run.number = services.takeNumber(schedule, run);
  try {
    run.log = await settings.openLog(node.id, 1);
    services.emit({ type: 'job-started', job: node.id, attempt: 1, logPath: run.log.path });
    const expansion = await expandUnlessTooMany(schedule, run, services);
    if (run.cancel.signal.aborted) endBridge(schedule, run, { status: 'canceled' }, services);
    else act(schedule, run, withoutSecrets(schedule, run, expansion), services);
  } catch (error) {
    if (run.cancel.signal.aborted) endBridge(schedule, run, { status: 'canceled' }, services);
    else {
      closeLog(run, services);
      schedule.failOrBreak(run, error);
    }
  }
}

async function expandUnlessTooMany(
  schedule: PipelineSchedule,
  run: NodeRun,
  services: BridgeServices,
): Promise<Expansion> {
  if (services.count() > mostPipelines) {
    const message = `a run may have at most ${mostPipelines} pipelines`;
    return { kind: 'refused', reason: 'reached_max_pipeline_hierarchy_size', message };
  }
  return schedule.pipeline.expand!(run.node as BridgeNode, dispatch(schedule, run, services));
}

function dispatch(schedule: PipelineSchedule, run: NodeRun, services: BridgeServices): BridgeDispatch {
  const node = run.node as BridgeNode;
  const given = schedule.specs.bridge(node, run);
  return {
    number: run.number!,
    ...given,
    idPrefix: services.prefixes.take(node.id),
    endedJob: (name) => schedule.specs.endedJobNamed(name)?.dependency,
    tell: (line, level) => {
      const bytes = Buffer.from(`${hideMasked(line, given.variables)}\n`);
      if (run.log !== undefined) services.background(run.log.sink.write(bytes));
      const marked = level === undefined ? {} : { level };
      services.emit({ type: 'job-output', job: node.id, stream: 'system', bytes, ...marked });
    },
    signal: run.cancel.signal,
  };
}

/** A bridge has no job that masks what is said of it. */
function withoutSecrets(schedule: PipelineSchedule, run: NodeRun, expansion: Expansion): Expansion {
  const hide = (text: string): string => hideMasked(text, schedule.specs.variables(run.node as BridgeNode, run));
  switch (expansion.kind) {
    case 'pipeline':
      return expansion;
    case 'refused':
      return { ...expansion, message: hide(expansion.message) };
    case 'passed-over':
      return { ...expansion, because: hide(expansion.because) };
    case 'ended':
      return { ...expansion, outcome: hideInOutcome(expansion.outcome, hide) };
    default:
      return assertNever(expansion);
  }
}

function hideInOutcome(outcome: Outcome, hide: (text: string) => string): Outcome {
  if (outcome.status === 'skipped') return { ...outcome, because: hide(outcome.because) };
  if (outcome.status !== 'failed' || outcome.message === undefined) return outcome;
  return { ...outcome, message: hide(outcome.message) };
}

function act(schedule: PipelineSchedule, run: NodeRun, expansion: Expansion, services: BridgeServices): void {
  switch (expansion.kind) {
    case 'refused': {
      const { reason, message } = expansion;
      endBridge(schedule, run, { status: 'failed', reason, message }, services);
      return;
    }
    case 'ended':
      endBridge(schedule, run, expansion.outcome, services);
      return;
    case 'passed-over':
      services.emit({ type: 'warning', job: run.node.id, message: expansion.because });
      closeLog(run, services);
      schedule.passOver(run, expansion.because);
      return;
    case 'pipeline': {
      const child = new PipelineSchedule(expansion.pipeline, services, { schedule, run });
      schedule.children.push(child);
      services.add(child);
      child.begin();
      if (!waitsForChild(run)) endBridge(schedule, run, { status: 'success' }, services);
      return;
    }
    default:
      assertNever(expansion);
  }
}

/** A pipeline that a bridge started has ended: the bridge ends with it, or people are told what it did not wait for. */
export function concludeBridge(child: PipelineSchedule, services: BridgeServices): void {
  const { schedule, run } = child.parent!;
  const failed = [...child.runs.values()].filter(({ result }) => result?.status === 'failed' && !result.allowFailure);
  const names = failed.map(({ node }) => node.id);
  const shown = names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
  if (!waitsForChild(run)) {
    if (child.status !== 'failed') return;
    const message = `the pipeline that it started failed (${shown}); that does not count, since the job has no \`strategy\``;
    services.emit({ type: 'warning', job: run.node.id, message });
    return;
  }
  run.failuresBelow = child.failures();
  endBridge(schedule, run, outcomeOf(run.node as BridgeNode, child, shown), services);
}

/**
 * How a bridge that waited ends. Source: app/models/ci/bridge.rb (`inherit_status_from_downstream`); where GitLab's bridge
 * goes on for ever because somebody has to start a job, it waits for that like a manual job.
 */
function outcomeOf(node: BridgeNode, child: PipelineSchedule, failed: string): Outcome {
  const { status } = child;
  switch (status) {
    case 'success':
    case 'canceled':
      return { status };
    case 'manual': {
      const blockedBy = [...child.runs.values()].find((run) => run.blockedBy !== undefined)?.blockedBy;
      return { status, ...(blockedBy === undefined ? {} : { blockedBy }) };
    }
    case 'skipped':
      if (strategyOf(node) === 'mirror') return { status, because: 'the pipeline that it started was skipped' };
      return { status: 'failed', reason: 'downstream_pipeline_failure', message: 'nothing of it ran' };
    case 'failed':
      return { status, reason: 'downstream_pipeline_failure', message: failed };
    default:
      return assertNever(status);
  }
}

function endBridge(schedule: PipelineSchedule, run: NodeRun, outcome: Outcome, services: BridgeServices): void {
  closeLog(run, services);
  schedule.end(run, outcome, noOutputs);
}

function closeLog(run: NodeRun, services: BridgeServices): void {
  const { log } = run;
  delete run.log;
  if (log !== undefined) services.background(log.close());
}
