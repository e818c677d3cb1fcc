import type { Outcome } from '../../model/outcome.ts';
import type { Phase } from '../../model/step.ts';
import { formatGoDuration } from '../../util/go-duration.ts';
import { monotonicMs } from '../../util/monotonic.ts';
import { isFlagOn } from '../job/feature-flag.ts';
import type { TakenJob } from '../manager/runner-manager.ts';
import { withoutLogin } from '../network/payload.ts';
import type { WatchedJob } from '../runner-watcher.ts';
import type { TraceResult } from '../trace/trace-record.ts';
import { counter, gaugeText, histogram, type Labels, type Sample } from './metric-families.ts';
import { runnerLabels } from './runner-labels.ts';

const jobBounds = [30, 60, 300, 600, 1800, 3600, 7200, 10_800, 18_000, 36_000];
const waitBounds = [1, 3, 10, 30, 60, 120, 300, 900, 1800, 3600];

/** GitLab Runner's word for jobs of scripts, the only ones here. */
const mode = 'traditional';

/** What is counted of jobs. */
export interface JobMetrics {
  taken(job: TakenJob): WatchedJob;
  /** @param idle labels of the runners of the file: they show also without a job. */
  text(idle: readonly Labels[]): string;
  /** A line a job that runs, in GitLab Runner's form. */
  list(): string;
}

/** A job that runs. */
interface Running {
  readonly labels: Labels;
  readonly url: string;
  readonly executor: string;
  readonly since: number;
  state: 'pending' | 'running' | 'finished' | 'canceled' | 'terminated' | 'timedout';
  stage: string;
  phase: Phase;
  /** GitLab Runner's words, should it fail: the job's own fault, or the machine's. */
  failure: 'job_failure' | 'other';
}

/** Makes the counts of jobs. */
export function jobMetrics(systemId: string): JobMetrics {
  const running = new Set<Running>();
  const counts = jobCounts();
  return {
    taken(job) {
      const labels = runnerLabels(job.runner, systemId);
      const one = runningOf(job, labels);
      running.add(one);
      counts.begins(job, labels);
      return watched(one, {
        stage: isWantedByStage(job)
          ? (name, ms) => counts.stages.observe({ ...labels, stage: name }, ms / 1000)
          : () => {},
        ended: (result) => {
          if (!running.delete(one)) return;
          counts.ends(one, result);
        },
      });
    },
    text: (idle) => jobsText(running, idle) + counts.text(),
    list: () =>
      [...running]
        .map(
          (one) =>
            `url=${one.url} state=${one.state} stage=${one.stage} executor_stage=${executorStage(one)} ` +
            `duration=${formatGoDuration(Math.round(monotonicMs() - one.since))}\n`,
        )
        .join(''),
  };
}

function jobCounts() {
  const total = counter('gitlab_runner_jobs_total', 'Jobs that were taken.');
  const failed = counter(
    'gitlab_runner_failed_jobs_total',
    'Jobs that failed, by the reason that the server was told.',
  );
  const failures = counter(
    'gitlab_runner_worker_processing_failures_total',
    'Jobs that failed, by whose fault it was.',
  );
  const modes = counter('gitlab_runner_job_execution_mode_total', 'Jobs that were taken, by how they are run.');
  const durations = histogram('gitlab_runner_job_duration_seconds', 'How long jobs took.', jobBounds);
  const queued = histogram(
    'gitlab_runner_job_queue_duration_seconds',
    'How long jobs waited for a runner.',
    waitBounds,
  );
  const stages = histogram('gitlab_runner_job_stage_duration_seconds', 'How long stages of jobs took.', waitBounds);
  const queues = new Map<string, { readonly labels: Labels; readonly size: number; readonly depth: number }>();
  const gauges = (pick: 'size' | 'depth'): readonly Sample[] =>
    [...queues.values()].map((queue) => ({ labels: queue.labels, value: queue[pick] }));
  return {
    stages,
    begins({ runner, answer }: TakenJob, labels: Labels): void {
      const { timeInQueueSeconds, projectJobsRunningOnInstanceRunnersCount, queueSize, queueDepth } =
        answer.job.jobInfo;
      total.add(labels);
      modes.add({ mode, executor: runner.executor });
      queued.observe({ ...labels, project_jobs_running: projectJobsRunningOnInstanceRunnersCount }, timeInQueueSeconds);
      queues.set(JSON.stringify(labels), { labels, size: queueSize, depth: queueDepth });
    },
    ends({ labels, since, failure }: Running, result: TraceResult | undefined): void {
      durations.observe({ ...labels, mode }, (monotonicMs() - since) / 1000);
      if (result?.state !== 'failed') return;
      const { runner = '', runner_name = '' } = labels;
      failed.add({ runner, runner_name, failure_reason: result.failureReason, mode });
      failures.add({ ...labels, failure_type: failure });
    },
    text: () =>
      [total, failed, failures, modes, durations, queued, stages].map((family) => family.text()).join('') +
      gaugeText('gitlab_runner_job_queue_size', 'Jobs that waited when the last one was taken.', gauges('size')) +
      gaugeText('gitlab_runner_job_queue_depth', 'How many of them the server looked at.', gauges('depth')),
  };
}

function runningOf({ runner, answer: { job } }: TakenJob, labels: Labels): Running {
  const project = withoutLogin(job.gitInfo.repoUrl).replace(/\.git$/, '');
  return {
    labels,
    url: `${oneWord(project)}/-/jobs/${job.id}`,
    executor: runner.executor,
    since: monotonicMs(),
    state: 'pending',
    stage: 'prepare_executor',
    phase: 'prepare',
    failure: 'other',
  };
}

/** An address of a server stays one word of its line, and what is asked with it (tokens) is nobody's business. */
function oneWord(url: string): string {
  return url.replace(/[?#].*$/s, '').replace(/[^\x21-\x7e]/g, '');
}

function watched(
  one: Running,
  on: {
    readonly stage: (name: string, durationMs: number) => void;
    readonly ended: (result: TraceResult | undefined) => void;
  },
): WatchedJob {
  return {
    emit(event) {
      if (event.type === 'section-finished') on.stage(event.name, event.durationMs);
      if (event.type !== 'section-started') return;
      if (one.state === 'pending') one.state = 'running';
      one.stage = event.name;
      one.phase = event.phase;
    },
    worked(outcome) {
      one.state = stateAfter(outcome);
      one.phase = 'finish';
      const isMachine = outcome.status === 'failed' && outcome.reason === 'runner_system_failure';
      one.failure = isMachine ? 'other' : 'job_failure';
    },
    ended: on.ended,
  };
}

function stateAfter(outcome: Outcome): Running['state'] {
  if (outcome.status === 'canceled') return 'canceled';
  if (outcome.status !== 'failed') return 'finished';
  if (outcome.reason === 'job_execution_timeout') return 'timedout';
  return outcome.reason === 'runner_interrupted' ? 'terminated' : 'finished';
}

/** GitLab Runner's words. */
function executorStage({ executor, phase }: Running): string {
  if (phase === 'finish') return 'finish';
  const step = phase === 'prepare' ? 'prepare' : 'run';
  return executor === 'docker' ? `docker_${step}` : step;
}

function jobsText(running: ReadonlySet<Running>, idle: readonly Labels[]): string {
  const counted = new Map<string, { readonly labels: Labels; value: number }>();
  const add = (labels: Labels, by: number): void => {
    const key = JSON.stringify(labels);
    counted.set(key, { labels, value: (counted.get(key)?.value ?? 0) + by });
  };
  for (const labels of idle) add({ ...labels, state: 'idle', stage: 'idle', executor_stage: 'idle' }, 0);
  for (const one of running) {
    add({ ...one.labels, state: one.state, stage: one.stage, executor_stage: executorStage(one) }, 1);
  }
  return gaugeText('gitlab_runner_jobs', 'Jobs that run now.', [...counted.values()]);
}

/** Stages make many samples, so they are wanted by name, as with GitLab Runner. */
function isWantedByStage({ runner, answer }: TakenJob): boolean {
  return isFlagOn('FF_EXPORT_HIGH_CARDINALITY_METRICS', { runner, job: answer.job, otherwise: false });
}
