import { describe, expect, it } from 'vitest';
import { exitOf } from '../../../src/executors/docker/container-calls.ts';
import type { Engine } from '../../../src/executors/docker/engine.ts';
import { collect } from '../contract.ts';

const limit = 32 << 20;
const none = { limitHits: undefined, memoryPeakBytes: undefined };
/** It need not be asked. */
const engine = {} as Engine;

describe('exitOf', () => {
  it.each([
    ['nothing more is known', { count: 1, ...none }, limit],
    ['the kernel counts that the limit was reached', { count: 1, limitHits: 2, memoryPeakBytes: undefined }, limit],
    ['the kernel counts that it was not', { count: 1, limitHits: 0, memoryPeakBytes: limit }, undefined],
    ['the most of it was the limit', { count: 1, ...none, memoryPeakBytes: limit - 4096 }, limit],
    ['the most of it was less', { count: 1, ...none, memoryPeakBytes: limit / 2 }, undefined],
  ])('names the limit of memory where that was it: %s', async (_, kills, limitBytes) => {
    const place = { engine, id: 'c', memoryBytes: limit };
    const stderr = collect();
    const outOfMemory = { kind: 'out-of-memory', code: 137, ...(limitBytes === undefined ? {} : { limitBytes }) };
    expect(await exitOf(place, { stderr }, 137, kills)).toEqual(outOfMemory);
    expect(await exitOf(place, { stderr }, 0, kills)).toEqual({ kind: 'code', code: 0 });
    const told = limitBytes === undefined ? 'out of memory\n' : 'out of memory (limit 32 M';
    expect(stderr.text()).toContain(`WARNING: a process was killed: ${told}`);
  });

  it('rules lack of memory out where nothing was killed for it', async () => {
    const place = { engine, id: 'c', memoryBytes: limit };
    const kills = { count: 0, ...none };
    const exit = await exitOf(place, { stderr: collect() }, 137, kills);
    expect(exit).toEqual({ kind: 'code', code: 137, lackOfMemory: 'ruled-out' });
  });
});
