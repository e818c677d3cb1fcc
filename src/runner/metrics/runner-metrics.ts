import type { RunnerConfig, RunnerEntry } from '../config/runner-config.ts';
import type { RunnerState } from '../manager/runner-state.ts';
import type { RunnerIdentity } from '../network/identity.ts';
import type { RunnerWatcher } from '../runner-watcher.ts';
import { callMetrics } from './call-metrics.ts';
import { jobMetrics } from './job-metrics.ts';
import { type Counter, counter, counterText, gaugeText, type Labels } from './metric-families.ts';
import { processText } from './process-metrics.ts';
import { runnerLabels } from './runner-labels.ts';

/** GitLab Runner's words for what the program is doing. */
export type ProcessState = 'starting' | 'running' | 'graceful-shutdown' | 'forceful-shutdown';

/** What is looked at when somebody asks. */
export interface MetricSources {
  readonly identity: RunnerIdentity;
  readonly systemId: string;
  readonly config: () => RunnerConfig;
  readonly stateOf: (runner: RunnerEntry) => RunnerState;
  readonly processState: () => ProcessState;
  /** How often the file was read, and could not be. */
  readonly readings: () => { readonly loaded: number; readonly failed: number };
}

/** Counts what runners do, for Prometheus. */
export interface RunnerMetrics {
  readonly watcher: RunnerWatcher;
  /** All of it, in the text format. */
  text(): string;
  /** A line a job that runs. */
  jobs(): string;
}

/**
 * Makes the counts of a program that runs jobs of servers, with the names and labels of GitLab Runner's.
 * Source: https://docs.gitlab.com/runner/monitoring/
 */
export function runnerMetrics(sources: MetricSources): RunnerMetrics {
  const { systemId } = sources;
  const calls = callMetrics(systemId);
  const jobs = jobMetrics(systemId);
  const counts = runnerCounts();
  const slots = slotCounts(counts.slots);
  const labelsOf = (runner: RunnerEntry): Labels => runnerLabels(runner, systemId);
  const watcher: RunnerWatcher = {
    fed(runner, how) {
      slots.are(sources.config().concurrent);
      if (how === 'taken') counts.feeds.add(labelsOf(runner));
      else counts.feedFailures.add(labelsOf(runner));
      if (how === 'requests') counts.exceeded.add(requestLabels(runner, systemId));
    },
    answered(runner, { healthy }) {
      if (!healthy) counts.unhealthy.add(labelsOf(runner));
    },
    called: calls.called,
    logged: (level) => {
      if (level === 'warning' || level === 'error') counts.errors.add({ level });
    },
    saved: (how) => (how === 'saved' ? counts.saved : counts.savingErrors).add({}),
    jobTaken: jobs.taken,
  };
  for (const level of ['warning', 'error']) counts.errors.add({ level }, 0);
  for (const family of [counts.saved, counts.savingErrors]) family.add({}, 0);
  return {
    watcher,
    text() {
      const { runners, concurrent } = sources.config();
      slots.are(concurrent);
      for (const runner of runners) showFromTheStart(runner);
      const families = Object.values(counts).map((family) => family.text());
      return [settingsText(sources), jobs.text(runners.map(labelsOf)), ...families, calls.text(), processText()].join(
        '',
      );
    },
    jobs: jobs.list,
  };

  function showFromTheStart(runner: RunnerEntry): void {
    const { feeds, feedFailures, unhealthy, exceeded } = counts;
    for (const family of [feeds, feedFailures, unhealthy]) family.add(labelsOf(runner), 0);
    exceeded.add(requestLabels(runner, systemId), 0);
  }
}

function runnerCounts() {
  return {
    errors: counter('gitlab_runner_errors_total', "Warnings and errors in the program's own log."),
    feeds: counter('gitlab_runner_worker_feeds_total', 'How often a runner was let ask for a job.'),
    feedFailures: counter(
      'gitlab_runner_worker_feed_failures_total',
      'How often it was its turn, but its limits were reached.',
    ),
    unhealthy: counter('gitlab_runner_worker_health_check_failures_total', 'Questions for a job that failed.'),
    slots: counter('gitlab_runner_worker_slot_operations_total', 'How often a place for a job came or went.'),
    exceeded: counter(
      'gitlab_runner_request_concurrency_exceeded_total',
      'Questions more than request_concurrency allows.',
    ),
    saved: counter('gitlab_runner_configuration_saved_total', 'How often the file was written.'),
    savingErrors: counter('gitlab_runner_configuration_saving_error_total', 'How often it could not be written.'),
  };
}

/** Places for jobs come and go with `concurrent` of the file. */
function slotCounts(operations: Counter): { are(count: number): void } {
  let now = 0;
  return {
    are(count) {
      operations.add({ operation: 'started' }, Math.max(0, count - now));
      operations.add({ operation: 'stopped' }, Math.max(0, now - count));
      now = count;
    },
  };
}

function requestLabels(runner: RunnerEntry, systemId: string): Labels {
  const { runner_name: _, ...labels } = runnerLabels(runner, systemId);
  return labels;
}

function settingsText({ identity, systemId, config, stateOf, processState, readings }: MetricSources): string {
  const { concurrent, runners } = config();
  const { name, version, revision, platform: os, architecture } = identity;
  const { loaded, failed } = readings();
  const requests = (value: (state: RunnerState, runner: RunnerEntry) => number) =>
    runners.map((runner) => ({ labels: requestLabels(runner, systemId), value: value(stateOf(runner), runner) }));
  const one = (value: number) => [{ labels: {}, value }];
  const build = { name, version, revision, os, architecture };
  return [
    gaugeText('gitlab_runner_version_info', 'Which program this is.', [{ labels: build, value: 1 }]),
    gaugeText('gitlab_runner_process_state_info', 'What the program is doing.', [
      { labels: { state: processState() }, value: 1 },
    ]),
    gaugeText('gitlab_runner_concurrent', '`concurrent` of the file.', one(concurrent)),
    gaugeText('gitlab_runner_worker_slots_number', 'Jobs that may run at once.', one(concurrent)),
    gaugeText(
      'gitlab_runner_limit',
      '`limit` of a runner.',
      runners.map((runner) => ({ labels: runnerLabels(runner, systemId), value: runner.limit })),
    ),
    gaugeText(
      'gitlab_runner_request_concurrency',
      'Questions for a job under way.',
      requests((state) => state.requests),
    ),
    gaugeText(
      'gitlab_runner_request_concurrency_hard_limit',
      '`request_concurrency` of a runner.',
      requests((_, runner) => runner.requestConcurrency),
    ),
    gaugeText(
      'gitlab_runner_request_concurrency_adaptive_limit',
      'Questions at once that the answers so far call for.',
      requests((state) => state.adaptiveLimit),
    ),
    gaugeText(
      'gitlab_runner_request_concurrency_used_limit',
      'Questions at once that are allowed now.',
      requests((state, runner) => state.requestLimit(runner)),
    ),
    counterText('gitlab_runner_configuration_loaded_total', 'How often the file was read.', one(loaded)),
    counterText('gitlab_runner_configuration_loading_error_total', 'How often it could not be used.', one(failed)),
  ].join('');
}
