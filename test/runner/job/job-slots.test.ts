import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jobSlots } from '../../../src/runner/job/job-slots.ts';
import { thisOwner } from '../../../src/util/process-owner.ts';

let buildsDir: string;

beforeEach(() => {
  buildsDir = mkdtempSync(join(tmpdir(), 'slots-'));
});
afterEach(() => rmSync(buildsDir, { recursive: true, force: true }));

const asking = (projectId = 1, shortToken = 'token') => ({ buildsDir, shortToken, projectId });
const numbers = ({ concurrentId, concurrentProjectId }: { concurrentId: number; concurrentProjectId: number }) => [
  concurrentId,
  concurrentProjectId,
];

describe('places of jobs', () => {
  it('are the lowest free numbers, of the runner and of the project', async () => {
    const slots = jobSlots();
    const first = await slots.take(asking(1));
    const second = await slots.take(asking(2));
    const third = await slots.take(asking(1));
    expect([first, second, third].map(numbers)).toEqual([
      [0, 0],
      [1, 0],
      [2, 1],
    ]);
    await first[Symbol.asyncDispose]();
    expect(numbers(await slots.take(asking(1)))).toEqual([0, 0]);
    expect(numbers(await slots.take(asking(1, 'other')))).toEqual([0, 0]);
  });

  it("are nobody else's, whoever asks at the same time", async () => {
    const processes = [jobSlots(), jobSlots(), jobSlots()];
    const taken = await Promise.all(Array.from({ length: 12 }, (_, at) => processes[at % 3]!.take(asking())));
    const ids = taken.map(({ concurrentId }) => concurrentId);
    const projectIds = taken.map(({ concurrentProjectId }) => concurrentProjectId);
    expect(new Set(ids).size).toBe(12);
    expect(new Set(projectIds).size).toBe(12);
    expect(taken.map(({ isInherited }) => isInherited)).not.toContain(true);
    for (const one of taken) await one[Symbol.asyncDispose]();
    expect(numbers(await jobSlots().take(asking()))).toEqual([0, 0]);
  });

  it('of a process that has died are free again, and said to be', async () => {
    const before = await jobSlots().take(asking());
    const place = join(buildsDir, '.slots', 'token', '1', 'slot-0');
    const [file] = readdirSync(place);
    writeFileSync(
      join(place, file!),
      JSON.stringify({ state: 'held', name: 'x', by: { ...thisOwner(), started: '1' } }),
    );
    const next = await jobSlots().take(asking());
    // The runner's own number is still held by the living one.
    expect([...numbers(next), next.isInherited]).toEqual([1, 0, true]);
    await next[Symbol.asyncDispose]();
    await before[Symbol.asyncDispose]();
  });

  it('say what is wrong where they can not be kept', async () => {
    rmSync(buildsDir, { recursive: true });
    writeFileSync(buildsDir, '');
    await expect(jobSlots().take(asking())).rejects.toThrow(/can't lock place 0 for a job|place 0 for a job/);
    rmSync(buildsDir);
    mkdirSync(buildsDir);
  });
});
