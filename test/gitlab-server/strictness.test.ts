import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type GitlabServer, startGitlabServer } from './gitlab-server.ts';
import { api, askForJob, type RawRequest } from './raw.ts';
import type { Job, Runner } from './state/model.ts';

describe('what no correct runner sends', () => {
  let server: GitlabServer;
  let runner: Runner;
  let job: Job;

  beforeEach(async () => {
    server = await startGitlabServer();
    runner = server.addRunner();
    server.addPipeline({ jobs: [{ name: 'one' }] });
    await askForJob(server, runner.token);
    job = server.job('one');
  });
  afterEach(() => server[Symbol.asyncDispose]());

  const request = (more: Record<string, unknown>): RawRequest => ({ json: { token: runner.token, ...more } });

  it.each<readonly [string, Record<string, unknown>, string]>([
    ['info that is a list', { info: [] }, 'info is invalid'],
    ['info that is a text', { info: 'docker' }, 'info is invalid'],
    ['features that are a list', { info: { features: ['refspecs'] } }, 'info[features] is invalid'],
    ['features that are a text', { info: { features: 'all' } }, 'info[features] is invalid'],
    ['a config that is a text', { info: { config: 'all' } }, 'info[config] is invalid'],
    ['labels that are a list', { info: { labels: ['a'] } }, 'info[labels] is invalid'],
    ['a version that is an object', { info: { version: {} } }, 'info[version] is invalid'],
    ['an executor that is a list', { info: { executor: [] } }, 'info[executor] is invalid'],
    ['a session that is a text', { session: 'x' }, 'session is invalid'],
    ['an address of a session that is an object', { session: { url: {} } }, 'session[url] is invalid'],
    ['a last update that is an object', { last_update: {} }, 'last_update is invalid'],
    ['a system id that is a list', { system_id: [] }, 'system_id is invalid'],
  ])('%s gets no job', async (_, more, error) => {
    const answer = await api(server, 'POST', 'jobs/request', request(more));
    expect([answer.status, answer.json]).toEqual([400, { error }]);
    expect(server.violations.map(({ code }) => code)).toEqual(['refused-400']);
  });

  it.each(['', '?debug_trace=false', '?debug_trace=1', '?debug_trace=t'])('takes a log with "%s"', async (query) => {
    const headers = { 'job-token': job.token, 'content-type': 'text/plain', 'content-range': '0-0' };
    expect((await api(server, 'PATCH', `jobs/${job.id}/trace${query}`, { headers, body: 'x' })).status).toBe(202);
  });

  it.each(['0-0', '5-5'])('refuses a log from %s whose debug_trace is no boolean', async (range) => {
    const headers = { 'job-token': job.token, 'content-type': 'text/plain', 'content-range': range };
    const answer = await api(server, 'PATCH', `jobs/${job.id}/trace?debug_trace=maybe`, { headers, body: 'x' });
    expect([answer.status, answer.json]).toEqual([400, { error: 'debug_trace is invalid' }]);
  });

  it.each<readonly [string, Record<string, unknown>, string]>([
    ['an output that is a text', { output: 'crc32:1' }, 'output is invalid'],
    ['a size that is a text', { output: { bytesize: 'many' } }, 'bytesize is invalid'],
    ['an exit code with a point', { exit_code: '1.5' }, 'exit_code is invalid'],
    ['a reason that is a list', { failure_reason: ['script_failure'] }, 'failure_reason is invalid'],
  ])('refuses an end of a job with %s', async (_, more, error) => {
    const json = { token: job.token, state: 'failed', ...more };
    const answer = await api(server, 'PUT', `jobs/${job.id}`, { json });
    expect([answer.status, answer.json]).toEqual([400, { error }]);
    expect(job.status).toBe('running');
  });

  it('notes tokens of a job that differ in header and body', async () => {
    const json = { token: job.token, state: 'running' };
    const headers = { 'job-token': 'glcbt-other' };
    expect((await api(server, 'PUT', `jobs/${job.id}`, { json, headers })).status).toBe(200);
    expect(server.violations.map(({ code }) => code)).toContain('token-mismatch');
  });

  it.each<readonly [string, string, number]>([
    ['PUT', 'jobs/abc', 400],
    ['PUT', 'jobs/999999', 403],
    ['PATCH', 'jobs/999999/trace', 403],
    ['POST', 'jobs/999999/artifacts', 403],
    ['GET', 'jobs/999999/artifacts', 401],
    ['POST', 'jobs/1', 405],
    ['PUT', 'jobs/request', 400],
    ['GET', 'runners/verify', 405],
    ['POST', 'runner', 404],
  ])('answers %s %s by %i', async (method, path, status) => {
    const isForm = path.endsWith('/artifacts') && method === 'POST';
    const form = 'multipart/form-data; boundary=x';
    const body = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\nx\r\n--x--\r\n';
    const answer = await api(server, method, path, {
      headers: {
        'content-type': isForm ? form : method === 'PATCH' ? 'text/plain' : 'application/json',
        'content-range': '0-0',
        'job-token': 'glcbt-nobody',
      },
      ...(method === 'GET'
        ? {}
        : { body: isForm ? body : method === 'PATCH' ? 'x' : '{"token":"glcbt-nobody","state":"running"}' }),
    });
    expect(answer.status).toBe(status);
  });
});
