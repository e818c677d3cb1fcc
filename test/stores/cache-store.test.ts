import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Fill } from '../../src/model/ports.ts';
import { type CacheStore, cacheStore, projectCacheDirectory } from '../../src/stores/cache-store.ts';
import { listCaches, pruneCaches, sizeOfCaches } from '../../src/stores/prune-caches.ts';
import { walkTree } from '../../src/util/files/walk-tree.ts';

let base: string;
let directory: string;
let time: number;
let store: CacheStore;
const signal = new AbortController().signal;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'cache-'));
  directory = projectCacheDirectory(base, 'project');
  time = 1_000_000;
  store = cacheStore({ directory, now: () => time });
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

/** Puts files with a fixed time into the cache. */
const fillWith =
  (files: Readonly<Record<string, string>>): Fill =>
  async (into) => {
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(into, name), content);
      utimesSync(join(into, name), 1000, 1000);
    }
    const entries = Object.entries(files).map(([path, content]) => ({
      path,
      type: 'file' as const,
      sizeBytes: content.length,
    }));
    return { entries, totalBytes: 0, unmatched: [], outside: [] };
  };
const save = (key: string, content: string) => store.save(key, { overwrite: true }, fillWith({ a: content }), signal);
const read = async (key: string, match: 'exact' | 'prefix' = 'exact') => {
  const hit = await store.restore(key, match, signal);
  return hit && readFileSync(join(hit.tree.root, 'a'), 'utf8');
};

describe('cacheStore', () => {
  it('gives back what was saved, and tells exists and empty', async () => {
    expect(await read('k')).toBeUndefined();
    expect(await save('k', 'one')).toBe('saved');
    expect(await read('k')).toBe('one');
    // Same size and time, as package managers give to all their files.
    expect(await save('k', 'two')).toBe('saved');
    expect(await read('k')).toBe('two');
    expect(await store.save('k', { overwrite: false }, fillWith({ a: 'other' }), signal)).toBe('exists');
    expect(await save('k', 'longer')).toBe('saved');
    expect(await read('k')).toBe('longer');
    expect(await store.save('none', { overwrite: true }, fillWith({}), signal)).toBe('empty');
    expect(await read('none')).toBeUndefined();
  });

  it('knows what it holds without a walk, and walks where the list is not that of the files', async () => {
    await save('k', 'one');
    const restore = async () => (await store.restore('k', 'exact', signal))!.tree;
    const { root, contents } = await restore();
    const seen = (await walkTree(root)).entries;
    const told = seen.map(({ path, type, sizeBytes, mode, mtimeMs }) => ({ path, type, sizeBytes, mode, mtimeMs }));
    expect(await contents!()).toMatchObject(told);
    expect((await contents!())[0]!.ino).toBe(0);
    const list = join(root, '../list.json');
    writeFileSync(list, readFileSync(list, 'utf8').replace('"fa"', '"f../a"'));
    expect(await (await restore()).contents!()).toEqual(seen);
    rmSync(list);
    expect(await (await restore()).contents!()).toEqual(seen);
    const linked: Fill = async (into) => ({ ...(await fillWith({ a: '1' })(into)), hasHardLinks: true });
    await store.save('k', { overwrite: true }, linked, signal);
    expect((await restore()).contents).toBeUndefined();
  });

  it('finds the newest cache whose key starts with a prefix', async () => {
    await save('v1-b-1', 'old');
    time += 1000;
    await save('v1-a-2', 'new');
    time += 1000;
    await save('v2-c', 'other');
    expect((await store.restore('v1-', 'prefix', signal))?.key).toBe('v1-a-2');
    expect(await read('v3-', 'prefix')).toBeUndefined();
  });

  it('keeps what a reader has while it is replaced, and removes it afterwards', async () => {
    await save('k', 'one');
    const hit = await store.restore('k', 'exact', signal);
    await save('k', 'two, longer');
    expect(readFileSync(join(hit!.tree.root, 'a'), 'utf8')).toBe('one');
    await store[Symbol.asyncDispose]();
    await save('k', 'three, much longer');
    expect(existsSync(hit!.tree.root)).toBe(false);
    expect(await read('k')).toBe('three, much longer');
  });

  it('leaves the old cache when filling fails or is stopped', async () => {
    await save('k', 'one');
    const failing: Fill = async (into) => {
      writeFileSync(join(into, 'a'), 'half');
      throw Object.assign(new Error('full'), { code: 'ENOSPC', path: '/full/path' });
    };
    await expect(store.save('k', { overwrite: true }, failing, signal)).rejects.toMatchObject({
      name: 'SystemError',
      message: expect.stringContaining('/full/path: no space left'),
    });
    expect(await read('k')).toBe('one');
    expect(readdirSync(join(directory, readdirSync(directory)[0]!)).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('keeps 200 hostile keys inside of its directory', async () => {
    const parts = [
      '..',
      '/',
      '\\',
      '\0',
      '\n',
      '/./',
      'C:',
      '%2e%2e',
      '~',
      '$(id)',
      '`id`',
      "'",
      '"',
      '.git',
      'ä',
      '-rf',
      '*',
      'a'.repeat(300),
      '',
      'CON',
    ];
    const keys = new Set<string>();
    for (const a of parts) for (const b of parts) if (keys.size < 200) keys.add(`${a}/${b}${a}`);
    expect(keys.size).toBe(200);
    for (const key of keys) expect(await save(key, key)).toBe('saved');
    for (const key of keys) expect(await read(key)).toBe(key);
    const names = readdirSync(directory);
    expect(names).toHaveLength(200);
    expect(names.every((name) => /^[0-9a-f]{64}$/.test(name))).toBe(true);
    expect(readdirSync(base)).toEqual(['caches']);
    expect(readdirSync(join(base, 'caches'))).toEqual(['project']);
  });

  it('lets several save and restore at once', async () => {
    const stores = Array.from({ length: 4 }, () => cacheStore({ directory, now: () => time }));
    await Promise.all(
      stores.map(async (each, n) => {
        for (let i = 0; i < 10; i++) {
          const text = `${n}`.repeat(i + 1);
          await each.save('k', { overwrite: true }, fillWith({ a: text, b: text }), signal);
          const hit = await each.restore('k', 'exact', signal);
          expect(hit).toBeDefined();
          expect(readFileSync(join(hit!.tree.root, 'a'), 'utf8')).toBe(readFileSync(join(hit!.tree.root, 'b'), 'utf8'));
        }
        await each[Symbol.asyncDispose]();
      }),
    );
  });
});

describe('pruneCaches', () => {
  it('removes the least recently used until the rest fits, but nothing in use', async () => {
    for (const key of ['a', 'b', 'c', 'd']) {
      await save(key, 'x'.repeat(100));
      time += 10_000;
    }
    await store.restore('a', 'exact', signal);
    await store[Symbol.asyncDispose]();
    time += 10_000;
    expect(listCaches(base).map((cache) => cache.key)).toEqual(['a', 'd', 'c', 'b']);
    expect(sizeOfCaches(listCaches(base, 'project'))).toEqual({ caches: 4, totalBytes: 400 });
    const wouldGo = await pruneCaches(base, { capBytes: 250, mode: 'list' });
    expect(wouldGo.map((cache) => cache.key)).toEqual(['b', 'c']);
    expect(listCaches(base)).toHaveLength(4);
    await store.restore('b', 'exact', signal);
    utimesSync(join(listCaches(base).find((cache) => cache.key === 'b')!.directory, 'used'), 1, 1);
    const gone = await pruneCaches(base, { capBytes: 250, mode: 'remove' });
    expect(gone.map((cache) => cache.key)).toEqual(['c', 'd']);
    expect(listCaches(base).map((cache) => cache.key)).toEqual(['a', 'b']);
  });
});

describe('a process killed while it saves', () => {
  let bundle: string;
  beforeAll(async () => {
    bundle = join(mkdtempSync(join(tmpdir(), 'cache-child-')), 'saver.mjs');
    await build({
      entryPoints: [join(import.meta.dirname, 'saver.ts')],
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      outfile: bundle,
    });
  });
  afterAll(() => rmSync(join(bundle, '..'), { recursive: true, force: true }));

  it('leaves the old cache or the new one, never a mixture, at 12 points', async () => {
    for (let point = 0; point < 12; point++) {
      const child: ChildProcess = spawn(process.execPath, [bundle, directory], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout!, 'data');
      await new Promise((resolve) => setTimeout(resolve, point * 7));
      child.kill('SIGKILL');
      await once(child, 'exit');
      const hit = await store.restore('k', 'exact', signal);
      expect(hit).toBeDefined();
      const contents = new Set(
        Array.from({ length: 20 }, (_, i) => readFileSync(join(hit!.tree.root, `f${i}`), 'utf8')),
      );
      expect(contents.size).toBe(1);
      await store[Symbol.asyncDispose]();
    }
    await save('k', 'after');
    const [place] = readdirSync(directory);
    const left = readdirSync(join(directory, place!));
    expect(left.filter((name) => name.startsWith('.'))).toEqual([]);
    expect(left.filter((name) => name.startsWith('v-'))).toHaveLength(1);
  });
});
