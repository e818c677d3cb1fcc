import { expect, it } from 'vitest';
import { acknowledgeJob } from '../../../src/runner/job/acknowledge-job.ts';
import type { JobUpdated } from '../../../src/runner/network/gitlab-client.ts';
import { jumpingClock } from '../support/network.ts';

const never = new AbortController().signal;

async function told(states: readonly JobUpdated['state'][], signal = never) {
  const clock = jumpingClock();
  let asked = 0;
  const answer = await acknowledgeJob(
    async () => {
      const state = states[Math.min(asked, states.length - 1)]!;
      asked += 1;
      return { state, cancelRequested: false, updateIntervalSeconds: 0 };
    },
    { clock, signal },
  );
  return { state: answer.state, asked, slept: clock.slept };
}

it('says that a job begins until the server has heard it', async () => {
  expect(await told(['succeeded'])).toEqual({ state: 'succeeded', asked: 1, slept: [] });
  expect(await told(['failed', 'failed', 'succeeded'])).toMatchObject({ state: 'succeeded', asked: 3 });
  expect(await told(['failed', 'abort'])).toMatchObject({ state: 'abort', asked: 2 });
});

it('gives up before the server gives the job to another', async () => {
  const { state, asked, slept } = await told(['failed']);
  expect([state, asked]).toEqual(['failed', 8]);
  expect(slept.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(120_000);
  expect(slept.every((ms) => ms > 0)).toBe(true);
});

it('does not wait when all is to end', async () => {
  expect(await told(['failed'], AbortSignal.abort())).toMatchObject({ state: 'failed', asked: 1 });
});
