import { memoryUsage } from 'node:process';
import { expect, it } from 'vitest';
import { releaseMemory } from '../../src/cli/run/release-memory.ts';

it('gives back what nobody holds any more', async () => {
  const makeGarbage = (): number => Array.from({ length: 2_000_000 }, (_, index) => ({ index })).length;
  makeGarbage();
  const before = memoryUsage().heapTotal;
  expect(before).toBeGreaterThan(64 * 1024 * 1024);
  await releaseMemory();
  expect(memoryUsage().heapTotal).toBeLessThan(before - 32 * 1024 * 1024);
});
