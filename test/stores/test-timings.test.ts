import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { TestTiming } from '../../src/model/ports.ts';
import { testTimings } from '../../src/stores/test-timings.ts';

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

function place(): { readonly store: string; run(name: string, before?: string): ReturnType<typeof testTimings> } {
  const base = mkdtempSync(join(tmpdir(), 'timings-'));
  directories.push(base);
  const store = join(base, 'project/test-timings');
  const seen = (name: string): string => join(base, name);
  return {
    store,
    run: (name, before) =>
      testTimings({ store, seen: seen(name), ...(before === undefined ? {} : { seenBefore: seen(before) }) }),
  };
}

const file = (name: string, seconds: number): TestTiming => ({ kind: 'file', name, seconds });

describe('the times of tests', () => {
  it('go from one run to the next, the newest of a name', async () => {
    const { run } = place();
    const first = run('1');
    expect(await first.known()).toBeUndefined();
    await Promise.all([
      first.add([file('a', 1), file('b', 2)]),
      first.add([{ kind: 'name', name: 'a', seconds: 0.1234 }]),
    ]);
    await first.add([file('a', 3)]);
    expect(await run('2').known()).toBe('file\t2.000\tb\nname\t0.123\ta\nfile\t3.000\ta\n');
  });

  it('are the same for all jobs of a run, and of a run that goes on from it', async () => {
    const { run } = place();
    await run('1').add([file('a', 1)]);
    const second = run('2');
    const known = await second.known();
    await second.add([file('a', 9)]);
    expect(await second.known()).toBe(known);
    expect(await run('3', '2').known()).toBe(known);
    expect(await run('4', '3').known()).toBe(known);
    expect(await run('5').known()).toBe('file\t9.000\ta\n');
    expect(await run('6', 'a run that saw none').known()).toBe('file\t9.000\ta\n');
  });

  it('that nothing was known is remembered, too', async () => {
    const { run } = place();
    const first = run('1');
    await first.known();
    await first.add([file('a', 1)]);
    expect(await run('2', '1').known()).toBeUndefined();
  });

  it('are kept for their owner alone, and the oldest go where there are too many', async () => {
    const { store, run } = place();
    const many = Array.from({ length: 50_000 }, (_, index) => file(`${index}/${'x'.repeat(100)}`, index));
    const one = run('1');
    await one.add([file('oldest', 1)]);
    await one.add(many);
    expect(statSync(store).size).toBeLessThanOrEqual(4 << 20);
    expect(statSync(store).mode & 0o777).toBe(0o600);
    const text = readFileSync(store, 'utf8');
    expect(text).toMatch(/^file\t\d+\.000\t/);
    expect(text).not.toContain('oldest');
    expect(text).toContain('\t49999/');
    expect(text.endsWith('x\n')).toBe(true);
  });
});
