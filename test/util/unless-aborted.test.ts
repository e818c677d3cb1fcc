import { describe, expect, it, vi } from 'vitest';
import { deferred } from '../../src/util/deferred.ts';
import { unlessAborted } from '../../src/util/unless-aborted.ts';

const reason = new Error('it has to end');

describe('unlessAborted', () => {
  it('gives what the work gives', async () => {
    const { signal } = new AbortController();
    await expect(unlessAborted(Promise.resolve(7), signal)).resolves.toBe(7);
    await expect(unlessAborted(Promise.reject(new Error('no')), signal)).rejects.toThrow('no');
    await expect(unlessAborted(Promise.resolve(7), undefined)).resolves.toBe(7);
  });

  it('waits no longer than until the signal, and hands over what comes late', async () => {
    const controller = new AbortController();
    const work = deferred<number>();
    const late = vi.fn();
    const waiting = unlessAborted(work.promise, controller.signal, { late });
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    work.resolve(7);
    await work.promise;
    await Promise.resolve();
    expect(late.mock.calls).toEqual([[7]]);
    await expect(unlessAborted(Promise.resolve(8), controller.signal)).rejects.toBe(reason);
  });

  it('has patience after the signal', async () => {
    vi.useFakeTimers();
    try {
      const controller = new AbortController();
      const [quick, slow] = [deferred<number>(), deferred<number>()];
      const first = unlessAborted(quick.promise, controller.signal, { patienceMs: 100 });
      const second = unlessAborted(slow.promise, controller.signal, { patienceMs: 100 });
      const failed = expect(second).rejects.toBe(reason);
      controller.abort(reason);
      await vi.advanceTimersByTimeAsync(99);
      quick.resolve(1);
      await expect(first).resolves.toBe(1);
      await vi.advanceTimersByTimeAsync(1);
      await failed;
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});
