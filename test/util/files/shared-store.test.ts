import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  markUsed,
  newDirectory,
  ownName,
  publish,
  reclaim,
  removeUnused,
  type Usage,
} from '../../../src/util/files/shared-store.ts';

let store: string;
beforeEach(() => {
  store = mkdtempSync(join(tmpdir(), 'store-'));
});
afterEach(() => rmSync(store, { recursive: true, force: true }));

async function published(id: string): Promise<Usage> {
  return publish(store, await newDirectory(store), id);
}

/** Does something while it is watched whether a directory is there all the time. */
async function isThereDuring(id: string, doing: () => Promise<unknown>): Promise<boolean> {
  let isThere = true;
  let isDone = false;
  const done = doing().finally(() => {
    isDone = true;
  });
  while (!isDone) {
    isThere &&= existsSync(join(store, id));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await done;
  return isThere && existsSync(join(store, id));
}

describe('a directory that somebody uses', () => {
  it('is not moved away to build in it, not even for a moment', async () => {
    const own = await published('s-1');
    const other = (await markUsed(store, 's-1'))!;
    let taken: string | undefined;
    for (let round = 0; round < 20; round++) {
      const usage = round === 0 ? own : (await markUsed(store, 's-1'))!;
      const isThere = await isThereDuring('s-1', async () => {
        taken = await reclaim(store, 's-1', usage);
      });
      expect({ isThere, taken }).toEqual({ isThere: true, taken: undefined });
    }
    await other.release();
    expect(readdirSync(join(store, 's-1/users'))).toEqual([]);
  });

  it('is not removed', async () => {
    await published('s-1');
    expect(await isThereDuring('s-1', () => removeUnused(store, 's-', () => false))).toBe(true);
  });
});

describe('a directory that nobody uses', () => {
  it('is built in by one of several, and can be used when it is published again', async () => {
    const usages = [await published('s-1'), (await markUsed(store, 's-1'))!, (await markUsed(store, 's-1'))!];
    const [first, second, third] = await Promise.all(usages.map((usage) => reclaim(store, 's-1', usage)));
    const taken = [first, second, third].filter((path) => path !== undefined);
    expect(taken.length).toBeLessThanOrEqual(1);
    const path = taken[0] ?? (await reclaim(store, 's-1', (await markUsed(store, 's-1'))!))!;
    await publish(store, path, 's-2');
    expect(await markUsed(store, 's-2')).toBeDefined();
  });

  it('is removed unless it is current', async () => {
    await (await published('s-1')).release();
    await (await published('s-2')).release();
    await removeUnused(store, 's-', (id) => id === 's-2');
    expect(readdirSync(store)).toEqual(['s-2']);
    expect(await markUsed(store, 's-2')).toBeDefined();
  });

  it('has become current meanwhile: it stays and can be used', async () => {
    await (await published('s-1')).release();
    let asked = 0;
    await removeUnused(store, 's-', () => ++asked > 1);
    expect(await markUsed(store, 's-1')).toBeDefined();
  });

  it('can not be used while somebody takes it away, unless he has died', async () => {
    await (await published('s-1')).release();
    const mark = join(store, 's-1/users', `closing_${ownName()}`);
    writeFileSync(mark, '');
    expect(await markUsed(store, 's-1')).toBeUndefined();
    rmSync(mark);
    writeFileSync(join(store, 's-1/users', 'closing_999999999_1_-_00'), '');
    expect(await markUsed(store, 's-1')).toBeDefined();
  });
});
