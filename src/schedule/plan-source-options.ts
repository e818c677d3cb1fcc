import type { Emit, Event, Untimed } from '../model/event.ts';
import type { LogSink, ResourceLocks } from '../model/ports.ts';
import type { Clock } from '../util/clock.ts';
import type { ScheduledPipeline } from './scheduled-pipeline.ts';

/** Where one try of a job writes its log. */
export interface JobLog {
  readonly sink: LogSink;
  readonly path: string;
  /** Resolves when everything is on disk. */
  close(): Promise<void>;
}

/** What holds for a run and all its pipelines. */
export interface RunSettings {
  readonly runId: string;
  readonly emit: Emit;
  readonly clock: Clock;
  /** Opens the log of a job's try; the source closes it. */
  openLog(jobId: string, attempt: number): JobLog | Promise<JobLog>;
  /** Makes resource groups hold between runs on this machine too. Absent: only within this run. */
  readonly locks?: ResourceLocks;
  /** `stop`: the first failure that counts cancels everything else. Default: `continue`. */
  readonly onFailure?: 'continue' | 'stop';
}

/** A run and its first pipeline. */
export type PlanSourceOptions = RunSettings & Omit<ScheduledPipeline, 'plan'>;

/** What a pipeline is about to do, as an event. @param bridge id of the job that started it. */
export function plannedEvent(
  { plan, file }: ScheduledPipeline,
  runId: string,
  bridge: string | undefined,
): Untimed<Extract<Event, { readonly type: 'pipeline-planned' }>> {
  return {
    type: 'pipeline-planned',
    runId,
    ...(bridge === undefined ? {} : { bridge }),
    ...(plan.name === undefined ? {} : { name: plan.name }),
    file,
    stages: plan.stages,
    jobs: plan.nodes.map((node) => ({
      id: node.id,
      name: node.name,
      stage: node.stage,
      needs: node.scheduling === 'dag' ? node.needs.map(({ id }) => id) : [],
      when: node.when,
      executor: node.kind === 'job' ? node.executor : node.kind,
    })),
  };
}
