import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allEntriesOf, hasAllParents } from '../../../src/util/files/all-entries-of.ts';
import { walkTree } from '../../../src/util/files/walk-tree.ts';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'entries-'));
  for (const path of ['a/b/c', 'a/b/d', 'a/e', 'a-b/f', 'g']) {
    mkdirSync(join(base, path, '..'), { recursive: true });
    writeFileSync(join(base, path), path);
  }
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe('allEntriesOf', () => {
  it('adds the parents that are missing, each once and before what is in it', async () => {
    const { entries: all } = await walkTree(base);
    const files = all.filter(({ type }) => type === 'file');
    const { entries } = await allEntriesOf({ root: base, entries: [...files, ...files, { path: 'none/x' }] });
    expect(entries.map(({ path }) => path)).toEqual(['a', 'a/b', 'a/b/c', 'a/b/d', 'a/e', 'a-b', 'a-b/f', 'g']);
    expect(hasAllParents(entries)).toBe(true);
    expect(hasAllParents(files)).toBe(false);
    expect((await allEntriesOf({ root: base, complete: files })).entries).toBe(files);
  });

  it('knows a list in which a parent is missing, or comes late', async () => {
    const { entries } = await walkTree(base);
    expect(hasAllParents(entries)).toBe(true);
    expect(hasAllParents([])).toBe(true);
    for (const path of ['a', 'a/b', 'a-b']) {
      const without = entries.filter((entry) => entry.path !== path);
      expect(hasAllParents(without)).toBe(false);
      expect(hasAllParents([...without, ...entries.filter((entry) => entry.path === path)])).toBe(false);
    }
  });
});
