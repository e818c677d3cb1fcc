import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { anySignal } from '../../src/util/any-signal.ts';

describe('anySignal', () => {
  it('is aborted with the first of them, and with its reason', () => {
    const [a, b] = [new AbortController(), new AbortController()];
    const { signal } = anySignal([a.signal, b.signal]);
    expect(signal.aborted).toBe(false);
    b.abort('why');
    expect(signal.reason).toBe('why');
    expect(getEventListeners(a.signal, 'abort')).toEqual([]);
    expect(anySignal([a.signal, b.signal]).signal.reason).toBe('why');
  });

  it('leaves nothing behind when disposed', () => {
    const long = new AbortController();
    for (let n = 0; n < 3; n++) {
      using joined = anySignal([long.signal, new AbortController().signal]);
      expect(joined.signal.aborted).toBe(false);
      expect(getEventListeners(long.signal, 'abort')).toHaveLength(1);
    }
    expect(getEventListeners(long.signal, 'abort')).toEqual([]);
  });
});
