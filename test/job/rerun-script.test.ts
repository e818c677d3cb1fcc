import { describe, expect, it } from 'vitest';
import { settled } from '../support/fake-clock.ts';
import { done, memoryExecutor, type Runs, untilAborted } from '../support/memory-session.ts';
import { begin, live, script, specOf } from './job.ts';

/** Fails so many times, then passes. */
function flaky(failures: number): { readonly runs: Runs; readonly count: () => number } {
  let count = 0;
  return { runs: async () => (++count <= failures ? { kind: 'code', code: 3 } : done), count: () => count };
}

const retried = (max: number, delayMs = 0) => ({ ...script('make'), reruns: { max, delayMs } });

describe('a step that may be run again', () => {
  it.each([
    [0, 2, 1, 'success'],
    [2, 2, 3, 'success'],
    [3, 2, 3, 'failed'],
    [9, 5, 6, 'failed'],
  ] as const)('fails %i times, is run again up to %i times: %i tries, %s', async (failures, max, tries, status) => {
    const { runs, count } = flaky(failures);
    const { result, log } = await live(specOf([retried(max)]), memoryExecutor(runs));
    expect(result.outcome.status).toBe(status);
    expect(count()).toBe(tries);
    const told = [...log.matchAll(/the step is run again \(rerun (\d) of (\d)\)/g)].map(([, rerun]) => Number(rerun));
    expect(told).toEqual(Array.from({ length: tries - 1 }, (_, index) => index + 1));
  });

  it('waits before', async () => {
    const { runs, count } = flaky(1);
    const life = begin(specOf([retried(1, 90_000)]), memoryExecutor(runs));
    await life.clock.advance(89_999);
    expect(count()).toBe(1);
    expect(life.text()).toContain('exit code 3: the step is run again in 1m30s (rerun 1 of 1)');
    await life.clock.advance(1);
    expect((await life.ended).result.outcome).toEqual({ status: 'success' });
  });

  it('is not run again once the job is canceled, also while it waits', async () => {
    const { runs, count } = flaky(9);
    const life = begin(specOf([retried(5, 1000), { ...script('later'), when: 'always' }]), memoryExecutor(runs));
    await settled();
    life.cancel.abort(new Error('stop'));
    expect((await life.ended).result.outcome).toEqual({ status: 'canceled' });
    expect(count()).toBe(1);
  });

  it('is run again after it was silent for too long', async () => {
    let count = 0;
    const runs: Runs = async (...args) => (++count === 1 ? untilAborted(args[1]) : done);
    const life = begin(specOf([{ ...retried(1), noOutputTimeoutMs: 5000 }]), memoryExecutor(runs));
    await life.clock.advance(5000);
    expect((await life.ended).result.outcome).toEqual({ status: 'success' });
    expect(count).toBe(2);
  });

  it('ends with the time of the job', async () => {
    const { runs, count } = flaky(9);
    const life = begin(specOf([retried(5, 60_000)], { timeoutMs: 30_000 }), memoryExecutor(runs));
    await life.clock.advance(30_000);
    expect((await life.ended).result.outcome).toMatchObject({ status: 'failed', reason: 'job_execution_timeout' });
    expect(count()).toBe(1);
  });
});
