import { describe, expect, it } from 'vitest';
import type { JobDescription } from './description.ts';
import { startGitlabServer } from './gitlab-server.ts';
import { allFeatures, api, askForJob, put } from './raw.ts';

const one: JobDescription = { name: 'one' };

describe('POST /jobs/request', () => {
  it('hands out a job: 201 and JSON', async () => {
    await using server = await startGitlabServer();
    const runner = server.addRunner();
    server.addPipeline({ jobs: [one] });
    const answer = await askForJob(server, runner.token);
    expect(answer.status).toBe(201);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.headers['x-gitlab-last-update']).toBeUndefined();
    expect(answer.json).toMatchObject({ id: server.job('one').id, token: server.job('one').token });
    expect(server.job('one').status).toBe('running');
  });

  it.each([
    ['no token', {}, 400, { error: 'token is missing' }],
    ['a wrong token', { token: 'x' }, 403, { message: '403 Forbidden' }],
    ['an empty token', { token: '' }, 403, { message: '403 Forbidden' }],
    ['a token that is a list', { token: [] }, 400, { error: 'token is invalid' }],
    ['info that is no object', { info: 'x' }, 400, { error: 'info is invalid' }],
  ])('refuses %s', async (_, json, status, body) => {
    await using server = await startGitlabServer();
    const token = server.addRunner().token;
    const answer = await api(server, 'POST', 'jobs/request', { json: 'info' in json ? { token, ...json } : json });
    expect([answer.status, answer.json]).toEqual([status, body]);
  });

  it('takes no token from a header', async () => {
    await using server = await startGitlabServer();
    const headers = { 'runner-token': server.addRunner().token };
    expect((await api(server, 'POST', 'jobs/request', { json: {}, headers })).status).toBe(400);
  });

  it('notes a header that names another token', async () => {
    await using server = await startGitlabServer();
    const { token } = server.addRunner();
    await api(server, 'POST', 'jobs/request', { json: { token }, headers: { 'runner-token': 'other' } });
    expect(server.violations.map(({ code }) => code)).toEqual(['token-mismatch']);
  });

  it.each([
    ['broken JSON', { body: '{', headers: { 'content-type': 'application/json' } }, 400],
    ['an unknown media type', { body: 'x', headers: { 'content-type': 'application/x-thing' } }, 415],
    ['a body above 32 KiB', { json: { token: 'x'.repeat(40_000) } }, 413],
  ])('refuses %s', async (_, request, status) => {
    await using server = await startGitlabServer();
    expect((await api(server, 'POST', 'jobs/request', request)).status).toBe(status);
    expect(server.violations.map(({ code }) => code)).toEqual([`refused-${status}`]);
  });

  it('answers 204 with the state of the queue, and the same state again without a search', async () => {
    await using server = await startGitlabServer();
    const runner = server.addRunner();
    const first = await askForJob(server, runner.token);
    const state = String(first.headers['x-gitlab-last-update']);
    expect([first.status, first.text, state]).toEqual([204, '', runner.queueValue]);
    server.addPipeline({ jobs: [one] });
    runner.queueValue = state;
    expect((await askForJob(server, runner.token, { last_update: state })).status).toBe(204);
    expect((await askForJob(server, runner.token, { last_update: 'older' })).status).toBe(201);
  });

  it('changes the state of the queue for runners that could take the job, and for no others', async () => {
    await using server = await startGitlabServer();
    const [linux, other] = [server.addRunner({ tags: ['linux'] }), server.addRunner({ tags: ['mac'] })];
    const before = [linux.queueValue, other.queueValue];
    server.addPipeline({ jobs: [{ ...one, tags: ['linux'] }] });
    expect([linux.queueValue === before[0], other.queueValue === before[1]]).toEqual([false, true]);
  });

  it('gives a paused runner nothing', async () => {
    await using server = await startGitlabServer();
    const runner = server.addRunner();
    server.addPipeline({ jobs: [one] });
    server.pause(runner, true);
    const answer = await askForJob(server, runner.token);
    expect([answer.status, answer.headers['x-gitlab-last-update']]).toEqual([204, runner.queueValue]);
  });

  it.each([
    ['an orphaned runner', 422],
    ['a race', 409],
    ['migrations', 429],
  ])('answers %s by %i', async (what, status) => {
    await using server = await startGitlabServer();
    const runner = server.addRunner();
    runner.orphaned = what === 'an orphaned runner';
    if (what === 'a race') server.store.conflicts = 1;
    server.store.migrating = what === 'migrations';
    const answer = await askForJob(server, runner.token);
    expect([answer.status, answer.headers['retry-after']]).toEqual([status, status === 429 ? '60' : undefined]);
  });

  it('refuses an expired token', async () => {
    await using server = await startGitlabServer();
    const runner = server.addRunner({ tokenExpiresIn: -1 });
    expect((await askForJob(server, runner.token)).status).toBe(403);
  });

  it('hands each job out once, oldest first', async () => {
    await using server = await startGitlabServer();
    const { token } = server.addRunner();
    server.addPipeline({ jobs: [one, { name: 'two' }, { name: 'three' }] });
    const answers = await Promise.all(Array.from({ length: 5 }, () => askForJob(server, token)));
    const names = answers.flatMap(({ json }) => (json ? [json.job_info.name] : []));
    expect(names.toSorted()).toEqual(['one', 'three', 'two']);
    expect([...server.store.jobs.values()].map(({ handedOut }) => handedOut)).toEqual([1, 1, 1]);
  });

  it('gives a job to runners that have all of its tags, and untagged ones to those that take them', async () => {
    await using server = await startGitlabServer();
    const tagged = server.addRunner({ tags: ['a', 'b'], runUntagged: false });
    const untagged = server.addRunner();
    server.addPipeline({ jobs: [one, { name: 'a', tags: ['a'] }, { name: 'c', tags: ['a', 'c'] }] });
    expect((await askForJob(server, tagged.token)).json.job_info.name).toBe('a');
    expect((await askForJob(server, tagged.token)).status).toBe(204);
    expect((await askForJob(server, untagged.token)).json.job_info.name).toBe('one');
    expect((await askForJob(server, untagged.token)).status).toBe(204);
  });

  it('gives a protected runner jobs of protected refs alone', async () => {
    await using server = await startGitlabServer();
    const { token } = server.addRunner({ accessLevel: 'ref_protected' });
    server.addPipeline({ jobs: [one] });
    expect((await askForJob(server, token)).status).toBe(204);
    server.addPipeline({ protected: true, jobs: [{ name: 'two' }] });
    expect((await askForJob(server, token)).json.git_info.protected).toBe(true);
  });

  it.each<[string, Partial<JobDescription>]>([
    ['upload_multiple_artifacts', { artifacts: { reports: { junit: ['junit.xml'] } } }],
    ['artifacts_exclude', { artifacts: { paths: ['a'], exclude: ['b'] } }],
    ['multi_build_steps', { release: ['release-cli create'] }],
    ['return_exit_code', { allowFailure: { exitCodes: [3] } }],
    ['fallback_cache_keys', { cache: [{ key: 'a', paths: ['b'], fallbackKeys: ['c'] }] }],
  ])('drops a job that needs %s from a runner without it', async (feature, needs) => {
    await using server = await startGitlabServer();
    const { token } = server.addRunner();
    server.addPipeline({ jobs: [{ ...one, ...needs }] });
    expect((await askForJob(server, token, { features: { ...allFeatures, [feature]: false } })).status).toBe(204);
    expect([server.job('one').status, server.job('one').failureReason]).toEqual(['failed', 'runner_unsupported']);
  });

  it('looks at 45 jobs and no more: 409', async () => {
    await using server = await startGitlabServer();
    const { token } = server.addRunner();
    const jobs = Array.from({ length: 46 }, (_, at) => ({ name: `job ${at}`, release: ['x'] }));
    server.addPipeline({ jobs });
    const { multi_build_steps: _, ...features } = allFeatures;
    expect((await askForJob(server, token, { features })).status).toBe(409);
    expect([server.job('job 44').status, server.job('job 45').status]).toEqual(['failed', 'pending']);
    expect((await askForJob(server, token, { features })).status).toBe(204);
  });

  it('keeps what a runner says of its session server', async () => {
    await using server = await startGitlabServer();
    const { token } = server.addRunner();
    server.addPipeline({ jobs: [one] });
    const session = { url: 'https://runner:8093', certificate: 'PEM', authorization: 'secret' };
    await api(server, 'POST', 'jobs/request', { json: { token, session } });
    expect(server.job('one').session).toEqual(session);
  });

  it('drops a job of a merge request from a runner without refspecs', async () => {
    await using server = await startGitlabServer();
    const { token } = server.addRunner();
    server.addPipeline({ mergeRequest: true, jobs: [one] });
    await askForJob(server, token, { features: {} });
    expect(server.job('one').failureReason).toBe('runner_unsupported');
  });

  it('drops a job whose dependency is erased', async () => {
    await using server = await startGitlabServer();
    const { token } = server.addRunner();
    server.addPipeline({ jobs: [one, { name: 'two', needs: ['one'] }] });
    await askForJob(server, token);
    await put(server, server.job('one'), { state: 'success' });
    server.erase(server.job('one'));
    expect((await askForJob(server, token)).status).toBe(204);
    expect(server.job('two').failureReason).toBe('missing_dependency_failure');
  });
});
