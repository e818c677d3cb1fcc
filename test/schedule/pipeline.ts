import type { Event } from '../../src/model/event.ts';
import { noOutputs, type Outcome, type Outputs } from '../../src/model/outcome.ts';
import type { AllowFailure, Retry, Trigger } from '../../src/model/pipeline.ts';
import type { JobNode, Plan, PlanNode } from '../../src/model/plan.ts';
import type { JobLease } from '../../src/model/ports.ts';
import type { Step } from '../../src/model/step.ts';
import type { Variable } from '../../src/model/variable.ts';
import { PlanSource } from '../../src/schedule/plan-source.ts';
import type { PlanSourceOptions } from '../../src/schedule/plan-source-options.ts';
import { runWorkers } from '../../src/schedule/run-workers.ts';
import { type FakeClock, fakeClock } from '../support/fake-clock.ts';

const span = { file: 'ci.yml', start: 0, end: 0 };

/** What a test says about a job; the rest is filled in. */
export interface JobSketch {
  readonly name: string;
  readonly stage?: number;
  /** Absent: waits for the earlier stages. */
  readonly needs?: readonly (string | { readonly id: string; readonly statuses: readonly string[] })[];
  readonly when?: PlanNode['when'];
  readonly startInMs?: number;
  readonly allowFailure?: AllowFailure;
  readonly retry?: Retry;
  readonly resourceGroup?: string;
  readonly kind?: 'bridge' | 'approval';
  /** Of a bridge; default: `none`. */
  readonly strategy?: 'none' | 'depend' | 'mirror';
  readonly artifactsFrom?: readonly string[];
  readonly steps?: readonly Step[];
  readonly below?: readonly Variable[];
  readonly above?: readonly Variable[];
}

export function sketchPlan(jobs: readonly JobSketch[], autoCancelOnJobFailure: 'none' | 'all' = 'none'): Plan {
  const stageCount = Math.max(0, ...jobs.map(({ stage }) => (stage ?? 0) + 1));
  const stages = Array.from({ length: stageCount }, (_, index) => `s${index}`);
  return { stages, nodes: jobs.map(sketchNode), decisions: [], autoCancelOnJobFailure, notices: [] };
}

function sketchNode(job: JobSketch): PlanNode {
  const { name, stage: stageIndex = 0 } = job;
  const base = {
    id: name,
    name,
    group: name,
    stage: `s${stageIndex}`,
    stageIndex,
    when: job.when ?? 'on_success',
    ...(job.startInMs === undefined ? {} : { startInMs: job.startInMs }),
    allowFailure: job.allowFailure ?? false,
    scheduling: job.needs === undefined ? ('stage' as const) : ('dag' as const),
    needs: (job.needs ?? []).map((need) => (typeof need === 'string' ? { id: need } : need)),
    variables: { belowDotenv: job.below ?? [], aboveDotenv: job.above ?? [] },
    ...(job.resourceGroup === undefined ? {} : { resourceGroup: job.resourceGroup }),
    interruptible: false,
  };
  const definition = {
    name,
    span,
    stage: { value: base.stage, span },
    when: base.when,
    variables: [],
    inheritVariables: true,
    interruptible: false,
  };
  if (job.kind === 'approval') return { ...base, kind: 'approval', definition: { ...definition, kind: 'approval' } };
  if (job.kind === 'bridge') {
    const trigger: Trigger = {
      kind: 'child',
      files: [],
      strategy: job.strategy ?? 'none',
      forward: { yamlVariables: true, pipelineVariables: false },
    };
    const rest = { artifactsFrom: job.artifactsFrom ?? [], fileVariables: [] };
    return { ...base, ...rest, kind: 'bridge', definition: { ...definition, kind: 'bridge', trigger } };
  }
  const node: JobNode = {
    ...base,
    kind: 'job',
    executor: 'fake',
    artifactsFrom: job.artifactsFrom ?? [],
    timeoutMs: 3_600_000,
    definition: {
      ...definition,
      kind: 'job',
      services: [],
      steps: job.steps ?? [],
      retry: job.retry ?? { max: 0 },
      tags: [],
    },
  };
  return node;
}

export const success: Outcome = { status: 'success' };
export const exit = (code: number): Outcome => ({
  status: 'failed',
  reason: 'script_failure',
  exit: { kind: 'code', code },
});

export interface Harness {
  readonly source: PlanSource;
  readonly events: Event[];
  readonly clock: FakeClock;
  readonly leases: JobLease[];
  /** `name` started, `-name status` ended, `~name for` waits, `^name` tried again. */
  readonly story: string[];
}

export function openPipeline(
  plan: Plan,
  options: Partial<Omit<PlanSourceOptions, 'emit' | 'clock'>> = {},
  clock: FakeClock = fakeClock(),
): Harness {
  const events: Event[] = [];
  const story: string[] = [];
  const source = new PlanSource(plan, {
    runId: 'run-1',
    file: 'ci.yml',
    projectPath: 'group/project',
    source: { kind: 'none' },
    openLog: (job, attempt) => ({
      sink: { write: async () => {} },
      path: `/logs/${job}-${attempt}`,
      close: async () => {},
    }),
    ...options,
    clock,
    emit: (event) => {
      events.push(event);
      if (event.type === 'job-started') story.push(event.job);
      if (event.type === 'job-finished') story.push(`-${event.job} ${event.result.status}`);
      if (event.type === 'job-waiting') story.push(`~${event.job} ${event.for}`);
      if (event.type === 'job-retried') story.push(`^${event.job}`);
    },
  });
  return { source, events, clock, leases: [], story };
}

/** How each job ends: at once, when the promise resolves, or try by try. */
export type Script = Readonly<Record<string, Outcome | readonly Outcome[] | ((lease: JobLease) => Promise<Outcome>)>>;

/** Runs a plan to its end; jobs that the script does not name succeed. */
export async function runPipeline(
  plan: Plan,
  script: Script,
  given: {
    readonly concurrency?: number;
    readonly options?: Parameters<typeof openPipeline>[1];
    readonly outputs?: Readonly<Record<string, Outputs>>;
    readonly harness?: Harness;
  } = {},
) {
  const harness = given.harness ?? openPipeline(plan, given.options);
  await runWorkers(harness.source, {
    concurrency: given.concurrency ?? 4,
    runJob: async (lease) => {
      harness.leases.push(lease);
      const scripted = script[lease.spec.id];
      let outcome: Outcome = success;
      if (typeof scripted === 'function') outcome = await scripted(lease);
      else if (Array.isArray(scripted)) outcome = scripted[lease.spec.attempt - 1] ?? success;
      else if (scripted !== undefined) outcome = scripted as Outcome;
      return { outcome, outputs: given.outputs?.[lease.spec.id] ?? noOutputs };
    },
  });
  const result = await harness.source.finished;
  const statuses = Object.fromEntries(Object.entries(result.jobs).map(([id, { status }]) => [id, status]));
  return { ...harness, result, statuses };
}
