import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { collectGathered } from '../../src/cli/run/collect-gathered.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it('collects what gathers in a small heap, and nothing else', () => {
  let used = 9;
  let collected = 0;
  const collect = (): void => {
    collected++;
    used = 8;
  };
  const collectionsAt = (megabytes: number): number => {
    used = megabytes;
    vi.advanceTimersByTime(1000);
    return collected;
  };
  {
    using _gathered = collectGathered({ used: () => used * 1024 * 1024, collect });
    expect([10, 12, 13, 14.9].map(collectionsAt)).toEqual([0, 0, 0, 0]);
    expect(collectionsAt(15)).toBe(1);
    // Collected to 8 MB, which is what it is held against from then on.
    expect([8, 13.9, 14].map(collectionsAt)).toEqual([1, 1, 2]);
    // V8 sees to a large heap itself.
    expect(collectionsAt(50)).toBe(2);
    used = 20;
    vi.advanceTimersByTime(900);
  }
  vi.advanceTimersByTime(60_000);
  expect(collected).toBe(2);
});
