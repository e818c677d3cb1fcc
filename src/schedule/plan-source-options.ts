import type { Emit, Event, Untimed } from '../model/event.ts';
import type { Source } from '../model/job-spec.ts';
import type { Outputs } from '../model/outcome.ts';
import type { JobNode, Plan } from '../model/plan.ts';
import type { LogSink, ResourceLocks } from '../model/ports.ts';
import type { Variable } from '../model/variable.ts';
import type { Clock } from '../util/clock.ts';

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
  /** Further variables of a job at dispatch (`CI_JOB_URL`, `CI_JOB_TOKEN`, …); `number` is its `CI_JOB_ID`. */
  variables?(node: JobNode, number: number): readonly Variable[];
  /** By id. */
  readonly earlier?: ReadonlyMap<string, EarlierJob>;
}

/** What the run is about to do, as an event. */
export function plannedEvent(
  plan: Plan,
  { runId, file }: Pick<PlanSourceOptions, 'runId' | 'file'>,
): Untimed<Extract<Event, { readonly type: 'pipeline-planned' }>> {
  return {
    type: 'pipeline-planned',
    runId,
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
