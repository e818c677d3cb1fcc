import { describe, expect, it } from 'vitest';
import { fakeClock } from '../support/fake-clock.ts';
import { startGitlabServer } from './gitlab-server.ts';
import { allFeatures, api, askForJob, patch, put, type RawResponse } from './raw.ts';
import type { Job } from './state/model.ts';
import { taken } from './taken.ts';

const twoPhases = { ...allFeatures, two_phase_job_commit: true };

const seen = ({ status, text, headers }: RawResponse): unknown[] => [status, text, headers['job-status']];

describe('PUT /jobs/:id', () => {
  it.each([
    ['running', {}, [200, '200', 'running'], 'running', undefined],
    ['success', {}, [200, '200', 'success'], 'success', undefined],
    ['failed', { failure_reason: 'script_failure', exit_code: 3 }, [200, '200', 'failed'], 'failed', 'script_failure'],
    ['failed', { failure_reason: 'what_is_this' }, [200, '200', 'failed'], 'failed', 'unknown_failure'],
    ['failed', {}, [200, '200', 'failed'], 'failed', 'unknown_failure'],
    ['pending', {}, [400, '400', 'running'], 'running', undefined],
    ['dancing', {}, [400, '400', 'running'], 'running', undefined],
  ])('state %s %j', async (state, more, answer, status, reason) => {
    await using run = await taken();
    expect(seen(await put(run.server, run.job, { state, ...more }))).toEqual(answer);
    expect([run.job.status, run.job.failureReason]).toEqual([status, reason]);
  });

  it('requires the token in the body', async () => {
    await using run = await taken();
    const headers = { 'job-token': run.job.token };
    const answer = await api(run.server, 'PUT', `jobs/${run.job.id}`, { json: { state: 'running' }, headers });
    expect([answer.status, answer.json]).toEqual([400, { error: 'token is missing' }]);
  });

  it.each([
    ['a wrong token', (job: Job) => ({ id: job.id, token: 'x' }), undefined],
    ['an unknown job', (job: Job) => ({ id: 9_999_999, token: job.token }), undefined],
  ])('answers 403 to %s, never 404', async (_, who, status) => {
    await using run = await taken();
    const answer = await put(run.server, who(run.job), { state: 'running' });
    expect([answer.status, answer.headers['job-status']]).toEqual([403, status]);
  });

  it('answers 400 to an id that is no number', async () => {
    await using run = await taken();
    expect((await api(run.server, 'PUT', 'jobs/x', { json: { token: run.job.token } })).status).toBe(400);
  });

  it('tells by Job-Status that a job is over', async () => {
    await using run = await taken();
    await put(run.server, run.job, { state: 'success' });
    const again = await put(run.server, run.job, { state: 'success' });
    expect([again.status, again.headers['job-status']]).toEqual([403, 'success']);
    expect(again.json).toEqual({ message: '403 Forbidden - Job is not processing on runner' });
  });

  it.each(['erased', 'deleted'])('refuses a job that is %s', async (what) => {
    await using run = await taken();
    if (what === 'erased') run.server.erase(run.job);
    else run.job.pipeline.project.pendingDelete = true;
    expect((await put(run.server, run.job, { state: 'running' })).status).toBe(403);
  });

  it('keeps the exit code', async () => {
    await using run = await taken();
    await put(run.server, run.job, { state: 'failed', failure_reason: 'script_failure', exit_code: 42 });
    expect(run.job.exitCode).toBe(42);
  });
});

describe('cancelling', () => {
  it('goes by way of canceling where the runner can do so gracefully', async () => {
    await using run = await taken({}, { ...allFeatures, cancel_gracefully: true });
    run.server.cancel(run.job);
    expect(seen(await put(run.server, run.job, { state: 'running' }))).toEqual([200, '200', 'canceling']);
    const patched = await patch(run.server, run.job, 0, 'last words');
    expect([patched.status, patched.headers['job-status']]).toEqual([202, 'canceling']);
    await put(run.server, run.job, { state: 'failed', failure_reason: 'job_canceled' });
    expect(run.job.history.map(({ status }) => status)).toEqual([
      'created',
      'pending',
      'running',
      'canceling',
      'canceled',
    ]);
  });

  it.each([
    ['without that feature', allFeatures, 'gracefully' as const],
    ['by force', { ...allFeatures, cancel_gracefully: true }, 'force' as const],
  ])('is done at once %s', async (_, features, how) => {
    await using run = await taken({}, features);
    run.server.cancel(run.job, how);
    const answer = await put(run.server, run.job, { state: 'running' });
    expect([answer.status, answer.headers['job-status']]).toEqual([403, 'canceled']);
  });
});

it('knows of a machine’s features what its first request said, for most of an hour', async () => {
  const clock = fakeClock();
  await using server = await startGitlabServer({ clock });
  const { token } = server.addRunner();
  server.addPipeline({ jobs: [{ name: 'one' }, { name: 'two' }] });
  await api(server, 'POST', 'runners/verify', { json: { token, system_id: 's_1', info: { name: 'x' } } });
  const features = { ...allFeatures, cancel_gracefully: true };
  await askForJob(server, token, { features });
  server.cancel(server.job('one'));
  expect(server.job('one').status).toBe('canceled');
  await clock.advance(55 * 60_000);
  await askForJob(server, token, { features });
  server.cancel(server.job('two'));
  expect(server.job('two').status).toBe('canceling');
});

describe('taking a job in two phases', () => {
  it('leaves it pending until the runner says that it runs', async () => {
    await using run = await taken({}, twoPhases);
    expect([run.job.status, run.job.managerId]).toEqual(['pending', undefined]);
    expect((await askForJob(run.server, run.job.runner!.token)).status).toBe(204);
    expect((await put(run.server, run.job, { state: 'pending' })).status).toBe(200);
    expect((await put(run.server, run.job, { state: 'running' })).status).toBe(200);
    expect([run.job.status, run.job.managerId]).toEqual(['running', 's_1']);
    expect((await put(run.server, run.job, { state: 'pending' })).status).toBe(400);
  });

  it('takes no result of a job that was not said to run', async () => {
    await using run = await taken({}, twoPhases);
    expect((await put(run.server, run.job, { state: 'success' })).status).toBe(400);
    expect(run.job.status).toBe('pending');
  });

  it('drops it after two minutes without a word, and makes a new one', async () => {
    const clock = fakeClock();
    await using run = await taken({ clock }, twoPhases);
    await clock.advance(119_000);
    expect((await put(run.server, run.job, { state: 'pending' })).status).toBe(200);
    await clock.advance(119_000);
    expect(run.job.status).toBe('pending');
    await clock.advance(1000);
    const answer = await put(run.server, run.job, { state: 'running' });
    expect([answer.status, answer.headers['job-status']]).toEqual([403, 'failed']);
    expect([run.job.status, run.job.failureReason]).toEqual(['failed', 'runner_provisioning_timeout']);
    expect(run.server.job('one')).toMatchObject({ id: run.job.retriedBy, status: 'pending' });
  });
});
