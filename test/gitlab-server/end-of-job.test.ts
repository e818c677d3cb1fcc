import { describe, expect, it } from 'vitest';
import { fakeClock } from '../support/fake-clock.ts';
import { allFeatures, askForJob, patch, put, type RawResponse } from './raw.ts';
import { taken } from './taken.ts';

const seen = ({ status, text, headers }: RawResponse): unknown[] => [status, text, headers['job-status']];

describe('the log at the end of a job', () => {
  const checksum = { output: { checksum: 'crc32:0d4a1185', bytesize: 11 } };

  it('is waited for: 202 until its chunks are moved', async () => {
    const clock = fakeClock();
    await using run = await taken({ clock, liveTrace: { persistMs: 5000 } });
    await patch(run.server, run.job, 0, 'hello world');
    const first = await put(run.server, run.job, { state: 'success', ...checksum });
    expect(seen(first)).toEqual([202, '202', 'running']);
    expect(first.headers['x-gitlab-trace-update-interval']).toBe('1');
    await clock.advance(4000);
    const second = await put(run.server, run.job, { state: 'success', ...checksum });
    expect([second.status, second.headers['x-gitlab-trace-update-interval']]).toEqual([202, '2']);
    await clock.advance(1000);
    expect(seen(await put(run.server, run.job, { state: 'success', ...checksum }))).toEqual([200, '200', 'success']);
    expect(run.job.checksums.map(({ valid }) => valid)).toEqual([true]);
  });

  it('is not waited for longer than five minutes', async () => {
    const clock = fakeClock();
    await using run = await taken({ clock, liveTrace: { persistMs: Number.POSITIVE_INFINITY } });
    await patch(run.server, run.job, 0, 'hello world');
    await put(run.server, run.job, { state: 'success', ...checksum });
    await clock.advance(5 * 60_000 + 1);
    expect((await put(run.server, run.job, { state: 'success', ...checksum })).status).toBe(200);
  });

  it.each([
    ['no checksum', {}],
    ['nothing in the log', checksum],
  ])('is not waited for with %s', async (what, more) => {
    await using run = await taken({ liveTrace: { persistMs: 5000 } });
    if (what === 'no checksum') await patch(run.server, run.job, 0, 'hello world');
    expect((await put(run.server, run.job, { state: 'success', ...more })).status).toBe(200);
  });

  it('may be checked by the older field', async () => {
    await using run = await taken();
    await patch(run.server, run.job, 0, 'hello world');
    await put(run.server, run.job, { state: 'success', checksum: 'crc32:0d4a1185' });
    expect(run.job.checksums.map(({ valid }) => valid)).toEqual([true]);
  });

  it.each([
    ['note', 200, 'success'],
    ['reject', 412, 'running'],
  ] as const)('with a wrong checksum: %s', async (badChecksum, status, after) => {
    await using run = await taken({ badChecksum });
    await patch(run.server, run.job, 0, 'hello');
    expect((await put(run.server, run.job, { state: 'success', ...checksum })).status).toBe(status);
    expect(run.job.status).toBe(after);
    expect(run.server.violations.map(({ code }) => code)).toEqual(['bad-checksum']);
  });
});

describe('jobs that nobody speaks for', () => {
  it('lose their token five minutes after their timeout', async () => {
    const clock = fakeClock();
    await using run = await taken({ clock }, allFeatures, { name: 'one', timeout: 600 });
    await clock.advance(15 * 60_000 - 1);
    expect((await put(run.server, run.job, { state: 'running' })).status).toBe(200);
    await clock.advance(1);
    const answer = await put(run.server, run.job, { state: 'success' });
    expect([answer.status, run.job.status]).toEqual([403, 'running']);
  });

  it.each([
    ['nothing is heard for an hour', {}, 60, 'stuck_or_timeout_failure'],
    ['the timeout is over by a quarter of an hour', { timeout: 600 }, 25, 'job_execution_server_timeout'],
  ])('are dropped when %s', async (_, more, minutes, reason) => {
    const clock = fakeClock();
    await using run = await taken({ clock }, allFeatures, { name: 'one', ...more });
    await clock.advance(minutes * 60_000 - 1);
    run.server.sweep();
    expect(run.job.status).toBe('running');
    await clock.advance(1);
    run.server.sweep();
    expect(run.job.failureReason).toBe(reason);
  });

  it('are retried as often as the file says', async () => {
    await using run = await taken({}, allFeatures, { name: 'one', retry: { max: 1, when: ['script_failure'] } });
    await put(run.server, run.job, { state: 'failed', failure_reason: 'script_failure' });
    const next = run.server.job('one');
    expect([next.id === run.job.id, next.status, next.token === run.job.token]).toEqual([false, 'pending', false]);
    await askForJob(run.server, run.job.runner!.token);
    await put(run.server, next, { state: 'failed', failure_reason: 'script_failure' });
    expect(run.server.job('one').id).toBe(next.id);
  });
});
