import { expect, it } from 'vitest';
import { startLimits } from '../../src/job/job-limits.ts';
import { jobSpec, never } from '../executors/contract.ts';
import { fakeClock } from '../support/fake-clock.ts';

const lease = (signals: { readonly cancel?: AbortSignal } = {}) => ({
  spec: jobSpec({ timeoutMs: 10_000 }),
  cancel: signals.cancel ?? never,
  abort: never,
  log: { write: async () => {} },
});

it("stops a job's time while somebody looks at it", async () => {
  const clock = fakeClock();
  const limits = startLimits(lease(), clock);
  await clock.advance(6000);
  const goOn = limits.hold();
  await clock.advance(3_600_000);
  expect(limits.ending()).toBeUndefined();
  goOn();
  await clock.advance(3999);
  expect(limits.ending()).toBeUndefined();
  await clock.advance(1);
  expect(limits.ending()).toEqual({ kind: 'timeout', afterMs: 10_000 });
  limits.stop();
  expect(clock.sleepers).toBe(0);
});

it.each([-86_400_000, 86_400_000])('is not changed by a clock that is set by %i ms', async (byMs) => {
  const clock = fakeClock();
  const limits = startLimits(lease(), clock);
  await clock.advance(6000);
  clock.set(byMs);
  expect(limits.leftMs()).toBe(4000);
  limits.hold()();
  await clock.advance(3999);
  expect(limits.ending()).toBeUndefined();
  await clock.advance(1);
  expect(limits.ending()).toEqual({ kind: 'timeout', afterMs: 10_000 });
  limits.stop();
});

it('tells a cancellation from time that is over', async () => {
  const clock = fakeClock();
  const cancel = new AbortController();
  const limits = startLimits(lease({ cancel: cancel.signal }), clock);
  await clock.advance(10_000);
  expect([limits.soft.aborted, limits.canceled.aborted]).toEqual([true, false]);
  cancel.abort();
  expect(limits.canceled.aborted).toBe(true);
  limits.stop();
});
