import { artifactFields, deploymentFields, resourceFields, resultFields, schemaVersion, testFields } from './json.ts';
import type { JobSummary, RunSummary } from './run-summary.ts';
import { stripAnsi } from './terminal-text.ts';

const time = (at: number | undefined): string | undefined =>
  at === undefined ? undefined : new Date(at).toISOString();

function jobFields(job: JobSummary): Record<string, unknown> {
  const { id, name, stage, when, executor, needs, status, allowFailure } = job;
  return {
    ...{ id, name, stage, when, executor, needs },
    ...(status === 'waiting' || status === 'running' ? { status, allowFailure } : resultFields({ ...job, status })),
    ...{ message: job.message, because: job.because, attempts: job.attempts },
    ...{ startedAt: time(job.startedAt), finishedAt: time(job.finishedAt) },
    ...{ durationMs: job.durationMs, queueMs: job.queueMs, waitedFor: job.waitedFor },
    ...{ sections: job.sections, coverage: job.coverage, artifacts: job.artifacts.map(artifactFields) },
    ...deploymentFields(job),
    ...{ tests: testFields(job.tests), resources: resourceFields(job.resources) },
    ...{ logPath: job.logPath, tail: job.status === 'success' ? undefined : job.tail.map(stripAnsi) },
  };
}

/** The run as one JSON document with `"schema": "ci/1"`. For `--report json=FILE`. */
export function jsonReport(summary: RunSummary): string {
  const { runId, name, file, status, durationMs, stages, counts, criticalPath, messages } = summary;
  const document = {
    ...{ schema: schemaVersion, runId, name, file, status, startedAt: time(summary.startedAt), durationMs },
    ...{ counts, criticalPath, stages, jobs: summary.jobs.map(jobFields), messages },
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
