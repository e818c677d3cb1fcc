import { expect, it } from 'vitest';
import { beginJob, refuseJob } from '../../../src/runner/job/begin-job.ts';
import { runnerInfo } from '../../../src/runner/network/features.ts';
import type { JobUpdate, JobUpdated } from '../../../src/runner/network/gitlab-client.ts';
import { ownIdentity } from '../../../src/runner/network/identity.ts';
import { jumpingClock } from '../support/network.ts';

const never = new AbortController().signal;

const info = runnerInfo(ownIdentity({ version: '1', revision: 'x' }));

async function told(states: readonly JobUpdated['state'][], signal = never, how: 'begin' | 'refuse' = 'begin') {
  const clock = jumpingClock();
  const asked: string[] = [];
  const client = {
    updateJob: async (_: unknown, { state: said, failureReason }: JobUpdate): Promise<JobUpdated> => {
      const state = states[Math.min(asked.length, states.length - 1)]!;
      asked.push(failureReason === undefined ? said : `${said} ${failureReason}`);
      return { state, cancelRequested: false, updateIntervalSeconds: 0 };
    },
  };
  const given = { client, job: { id: 1, token: 't' }, info, clock, signal };
  const answer = how === 'begin' ? await beginJob(given) : await refuseJob(given);
  return { state: answer.state, asked, slept: clock.slept };
}

it('says that a job begins until the server has heard it', async () => {
  expect(await told(['succeeded'])).toEqual({ state: 'succeeded', asked: ['running'], slept: [] });
  expect(await told(['failed', 'failed', 'succeeded'])).toMatchObject({
    state: 'succeeded',
    asked: Array(3).fill('running'),
  });
  expect(await told(['failed', 'abort'])).toMatchObject({ state: 'abort', asked: ['running', 'running'] });
});

it('gives up before the server gives the job to another', async () => {
  const { state, asked, slept } = await told(['failed']);
  expect([state, asked.length]).toEqual(['failed', 8]);
  expect(slept.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(120_000);
  expect(slept.every((ms) => ms > 0)).toBe(true);
});

it('does not wait when all is to end', async () => {
  expect(await told(['failed'], AbortSignal.abort())).toMatchObject({ state: 'failed', asked: ['running'] });
});

it('begins a job that it gives up, and tries again each time', async () => {
  const gone = 'failed runner_system_failure';
  expect(await told(['succeeded'], never, 'refuse')).toMatchObject({ state: 'failed', asked: ['running', gone] });
  const { asked } = await told(['failed', 'succeeded', 'failed', 'succeeded'], never, 'refuse');
  expect(asked).toEqual(['running', 'running', gone, gone]);
  expect(await told(['abort'], never, 'refuse')).toMatchObject({ asked: ['running'] });
  expect(await told(['failed'], AbortSignal.abort(), 'refuse')).toMatchObject({ asked: ['running', gone] });
});
