import { memoryUsage } from 'node:process';
import { getHeapSpaceStatistics } from 'node:v8';
import { Script } from 'node:vm';
import { expect, it } from 'vitest';
import { holdMemoryDown } from '../../src/cli/run/hold-memory-down.ts';

it('gives back what nobody holds any more', async () => {
  const makeGarbage = (): number => Array.from({ length: 2_000_000 }, (_, index) => ({ index })).length;
  makeGarbage();
  const before = memoryUsage().heapTotal;
  expect(before).toBeGreaterThan(64 * 1024 * 1024);
  using _memory = await holdMemoryDown(1000);
  expect(memoryUsage().heapTotal).toBeLessThan(before - 32 * 1024 * 1024);
});

it('does not collect for a few jobs what they would not notice', async () => {
  const kept = Array.from({ length: 1_000_000 }, (_, index) => ({ index }));
  expect(memoryUsage().heapTotal).toBeGreaterThan(48 * 1024 * 1024);
  const before = memoryUsage().heapUsed;
  kept.length = 0;
  using _memory = await holdMemoryDown(1);
  expect(memoryUsage().heapUsed).toBeGreaterThan(before - 1024 * 1024);
});

it('keeps the space for young objects from growing', async () => {
  using _memory = await holdMemoryDown(1000);
  const kept: { readonly text: string }[] = [];
  for (let round = 0; round < 3_000_000; round++) kept[round % 20_000] = { text: `${round}` };
  const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')!;
  expect(kept).toHaveLength(20_000);
  expect(young.space_size).toBeLessThanOrEqual(8 * 1024 * 1024);
});

it('leaves V8 with the flags under which compiled code is taken', async () => {
  // The head of compiled code: versions and a hash of the flags.
  const head = (): string => new Script('42').createCachedData().subarray(0, 16).toString('hex');
  const before = head();
  {
    using _memory = await holdMemoryDown(1000);
    expect(head()).not.toBe(before);
  }
  expect(head()).toBe(before);
});
