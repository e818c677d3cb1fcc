import { expect, it } from 'vitest';
import type { Fault } from './faults/fault.ts';
import { planFaults } from './faults/fault-plan.ts';
import { type GitlabServer, startGitlabServer } from './gitlab-server.ts';
import { allFeatures, askForJob, patch, put, type RawResponse } from './raw.ts';
import { traceOf } from './state/model.ts';

const faults: readonly Fault[] = [
  { kind: 'drop-before' },
  { kind: 'drop-after' },
  { kind: 'half-response' },
  { kind: 'half-upload' },
  { kind: 'status', status: 503 },
  { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
  { kind: 'hang', ms: 5, afterwards: 'handle' },
  { kind: 'hang', ms: 5, afterwards: 'drop' },
  { kind: 'late-answer', ms: 5 },
  { kind: 'slow', pieces: 3, pauseMs: 1 },
  { kind: 'restart', downMs: 1, when: 'before' },
];

/** Asks until there is an answer that is worth something. */
async function insist(ask: () => Promise<RawResponse>): Promise<RawResponse> {
  for (;;) {
    const answer = await ask().catch(() => undefined);
    if (answer !== undefined && ![429, 503].includes(answer.status)) return answer;
  }
}

/** Runs one job as a patient runner does, and resolves with the log it has sent. */
async function runOne(server: GitlabServer, job: { readonly id: number; readonly token: string }): Promise<string> {
  const lines = Array.from({ length: 20 }, (_, at) => `job ${job.id} line ${at}\n`);
  const { status } = await insist(() => put(server, job, { state: 'running' }));
  // The server has waited too long for this, and made a new job.
  if (status === 403) return '';
  expect(status).toBe(200);
  let at = 0;
  const log = lines.join('');
  while (at < log.length) {
    const answer = await insist(() => patch(server, job, at, log.slice(at, at + 60)));
    expect([202, 416]).toContain(answer.status);
    at = Number(String(answer.headers.range).split('-')[1]);
  }
  const last = await insist(() => put(server, job, { state: 'success' }));
  expect([last.status, last.headers['job-status']]).toEqual([last.status === 403 ? 403 : 200, 'success']);
  return log;
}

it('loses nothing in a storm of faults, and hands out no job twice', async () => {
  const decideFault = planFaults({ seed: 'storm', rate: 0.3, faults });
  await using server = await startGitlabServer({ rateLimits: 'off', ackTimeoutMs: 300, decideFault });
  const { token } = server.addRunner();
  const jobs = Array.from({ length: 20 }, (_, at) => ({ name: `job ${at}`, retry: 20 }));
  const pipeline = server.addPipeline({ jobs });
  const logs = new Map<number, string>();
  const isDone = (): boolean => jobs.every(({ name }) => server.job(name).status === 'success');
  const features = { ...allFeatures, two_phase_job_commit: true };
  const worker = async (): Promise<void> => {
    while (!isDone()) {
      const { status, json } = await insist(() => askForJob(server, token, { features }));
      if (status === 201) logs.set(json.id, await runOne(server, json));
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  expect(server.requests.filter(({ fault }) => fault !== undefined).length).toBeGreaterThan(30);
  expect(pipeline.jobs.filter(({ handedOut }) => handedOut > 1)).toEqual([]);
  const wrong = jobs.filter(({ name }) => traceOf(server.job(name)).toString() !== logs.get(server.job(name).id));
  expect(wrong).toEqual([]);
  expect(server.violations).toEqual([]);
});
