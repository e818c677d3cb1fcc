import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type GitlabServer, startGitlabServer } from './gitlab-server.ts';
import { api, askForJob, patch, put, type RawResponse } from './raw.ts';
import { type Job, traceOf } from './state/model.ts';

describe('PATCH /jobs/:id/trace', () => {
  let server: GitlabServer;
  let job: Job;

  beforeEach(async () => {
    server = await startGitlabServer({ traceLimit: 1000 });
    server.addPipeline({ jobs: [{ name: 'one' }] });
    await askForJob(server, server.addRunner().token);
    job = server.job('one');
  });
  afterEach(() => server[Symbol.asyncDispose]());

  const text = (): string => traceOf(job).toString();
  const codes = (): readonly string[] => server.violations.map(({ code }) => code);
  const seen = ({ status, headers }: RawResponse): unknown[] => [status, headers.range];

  it('appends, and tells status, length and when to come again', async () => {
    const first = await patch(server, job, 0, 'héllo');
    expect(seen(first)).toEqual([202, '0-6']);
    expect([first.headers['job-status'], first.headers['x-gitlab-trace-update-interval']]).toEqual(['running', '60']);
    job.watched = true;
    const second = await patch(server, job, 6, ' world');
    expect(seen(second)).toEqual([202, '0-12']);
    expect(second.headers['x-gitlab-trace-update-interval']).toBe('3');
    expect([text(), codes()]).toEqual(['héllo world', []]);
  });

  it.each([
    ['a gap', 11, 'x', 416],
    ['a piece from the middle that ends elsewhere', 4, 'xyz', 416],
    ['the beginning again', 0, 'he', 416],
  ])('answers %s by the length it has', async (_, start, piece, status) => {
    await patch(server, job, 0, 'hello world'.slice(0, 10));
    expect(seen(await patch(server, job, start, piece))).toEqual([status, '0-10']);
    expect(text()).toBe('hello worl');
    expect((await patch(server, job, 10, 'd')).status).toBe(202);
  });

  it('tells a gap from a piece that came before', async () => {
    await patch(server, job, 0, 'hello');
    await patch(server, job, 2, 'x');
    expect(codes()).toEqual([]);
    await patch(server, job, 8, 'x');
    expect(codes()).toEqual(['trace-gap']);
  });

  it('takes the last piece a second time and changes nothing', async () => {
    await patch(server, job, 0, 'hello');
    await patch(server, job, 5, ' world');
    expect(seen(await patch(server, job, 5, ' world'))).toEqual([202, '0-11']);
    expect(text()).toBe('hello world');
  });

  it('never reads the end of Content-Range, but notes a wrong one', async () => {
    expect((await patch(server, job, 0, 'hello', { 'content-range': '0-99' })).status).toBe(202);
    expect((await patch(server, job, 5, '!', { 'content-range': '5' })).status).toBe(202);
    expect(codes()).toEqual(['content-range', 'content-range']);
  });

  it('reads a unit as the number 0', async () => {
    await patch(server, job, 0, 'hello');
    expect((await patch(server, job, 5, '!', { 'content-range': 'bytes 5-5/6' })).status).toBe(416);
  });

  it('requires Content-Range', async () => {
    const headers = { 'job-token': job.token, 'content-type': 'text/plain' };
    const answer = await api(server, 'PATCH', `jobs/${job.id}/trace`, { headers, body: 'x' });
    expect([answer.status, answer.json]).toEqual([400, { error: '400 Missing header Content-Range' }]);
  });

  it.each([
    ['none', {}, 400],
    ['JSON', { 'content-type': 'application/json' }, 400],
    ['an unknown one', { 'content-type': 'application/octet-stream' }, 415],
  ])('refuses a log under another content type: %s', async (_, type, status) => {
    const headers = { 'job-token': job.token, 'content-range': '0-4', ...type };
    expect((await api(server, 'PATCH', `jobs/${job.id}/trace`, { headers, body: 'hello' })).status).toBe(status);
  });

  it('takes the token as a parameter, too', async () => {
    const headers = { 'content-type': 'text/plain', 'content-range': '0-0' };
    const path = `jobs/${job.id}/trace?token=${job.token}`;
    expect((await api(server, 'PATCH', path, { headers, body: 'x' })).status).toBe(202);
  });

  it('looks at the parameter before the header', async () => {
    const headers = { 'job-token': job.token, 'content-type': 'text/plain', 'content-range': '0-0' };
    expect((await api(server, 'PATCH', `jobs/${job.id}/trace?token=x`, { headers, body: 'x' })).status).toBe(403);
  });

  it.each(['wrong-token', ''])('answers 403 to the token "%s"', async (token) => {
    expect((await patch(server, job, 0, 'x', { 'job-token': token })).status).toBe(403);
  });

  it('answers 403 with Job-Status once the job is over', async () => {
    await put(server, job, { state: 'failed', failure_reason: 'script_failure' });
    const answer = await patch(server, job, 0, 'x');
    expect([answer.status, answer.headers['job-status']]).toEqual([403, 'failed']);
  });

  it.each([
    ['true', 0, true],
    ['false', 0, false],
    ['true', 5, false],
  ])('debug_trace=%s from %i', async (debug, start, after) => {
    if (start > 0) await patch(server, job, 0, 'hello');
    await api(server, 'PATCH', `jobs/${job.id}/trace?debug_trace=${debug}`, {
      headers: { 'job-token': job.token, 'content-type': 'text/plain', 'content-range': `${start}-${start}` },
      body: 'x',
    });
    expect(job.debugTrace).toBe(after);
  });

  it('drops a job whose log grows too long', async () => {
    expect((await patch(server, job, 0, 'x'.repeat(1000))).status).toBe(202);
    expect((await patch(server, job, 1000, 'x')).status).toBe(403);
    expect([job.status, job.failureReason]).toEqual(['failed', 'trace_size_exceeded']);
  });

  it('hides the token of the job by as many bytes', async () => {
    const line = `token ${job.token}\n`;
    expect(seen(await patch(server, job, 0, line))).toEqual([202, `0-${line.length}`]);
    expect(text()).toMatch(/^token \[MASKED\]x+\n$/);
  });
});
