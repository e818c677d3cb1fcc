import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobSpec } from '../../src/model/job-spec.ts';
import type { Fill } from '../../src/model/ports.ts';
import type { UploadArtifactsStep } from '../../src/model/step.ts';
import { artifactStore } from '../../src/stores/artifact-store.ts';
import { walkTree } from '../../src/util/files/walk-tree.ts';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'artifacts-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const { signal } = new AbortController();
const job = (id: string, attempt = 1): JobSpec => ({
  id,
  name: id,
  stage: 'test',
  runId: '1',
  attempt,
  executor: 'fake',
  variables: [],
  services: [],
  steps: [],
  source: { kind: 'none' },
  projectPath: 'g/p',
  dependencies: [],
  workspaceFrom: [],
  timeoutMs: 1000,
});
const step = (given: Partial<UploadArtifactsStep> = {}): UploadArtifactsStep => ({
  kind: 'upload-artifacts',
  phase: 'finish',
  when: 'on_success',
  type: 'archive',
  paths: [],
  exclude: [],
  untracked: false,
  ...given,
});
const fill =
  (files: Readonly<Record<string, string>>): Fill =>
  async (into) => {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(into, path)), { recursive: true });
      writeFileSync(join(into, path), content);
    }
    const entries = Object.entries(files).map(([path, content]) => ({
      path,
      type: 'file' as const,
      sizeBytes: content.length,
    }));
    return {
      entries,
      totalBytes: entries.reduce((sum, entry) => sum + entry.sizeBytes, 0),
      unmatched: [],
      outside: [],
    };
  };
const dependency = (id: string) => ({ id, name: id });

describe('artifactStore', () => {
  it('stores archives and reports and gives the archive to later jobs', async () => {
    const store = artifactStore(base);
    const record = await store.store(job('build'), step(), fill({ 'dist/a': 'A', b: 'BB' }), signal);
    expect(record).toMatchObject({ type: 'archive', name: 'artifacts', files: 2, totalBytes: 3 });
    await store.store(job('build'), step({ type: 'junit' }), fill({ 'j.xml': '<x/>' }), signal);
    const tree = await store.fetch(dependency('build'), signal);
    expect(tree).toMatchObject({ root: record!.path, immutable: true });
    expect(readFileSync(join(tree!.root, 'dist/a'), 'utf8')).toBe('A');
    expect((await store.records('build')).map(({ type }) => type)).toEqual(['archive', 'junit']);
    expect(await store.fetch(dependency('none'), signal)).toBeUndefined();
  });

  it('knows what was stored while others asked, and after they asked in vain', async () => {
    const store = artifactStore(base);
    expect(await store.fetch(dependency('late'), signal)).toBeUndefined();
    await store.store(job('late'), step(), fill({ a: 'A' }), signal);
    expect(await store.fetch(dependency('late'), signal)).toBeDefined();
    const fresh = artifactStore(base);
    const [asked] = await Promise.all([
      fresh.fetch(dependency('late'), signal),
      fresh.store(job('beside'), step(), fill({ b: 'B' }), signal),
    ]);
    expect(asked).toBeDefined();
    expect(await fresh.fetch(dependency('beside'), signal)).toBeDefined();
  });

  it('stores nothing when nothing matched, and keeps nothing of what failed', async () => {
    const store = artifactStore(base);
    expect(await store.store(job('a'), step(), fill({}), signal)).toBeUndefined();
    const full: Fill = async (into) => {
      writeFileSync(join(into, 'half'), '');
      throw Object.assign(new Error('full'), { code: 'ENOSPC', path: join(into, 'half') });
    };
    await expect(store.store(job('a'), step(), full, signal)).rejects.toMatchObject({
      name: 'SystemError',
      reason: 'runner_system_failure',
      message: expect.stringMatching(/artifacts of a: .*half: no space left/),
    });
    expect(readdirSync(base)).toEqual([]);
  });

  it('gives what the last try left', async () => {
    const store = artifactStore(base);
    await store.store(job('a', 1), step(), fill({ f: 'first' }), signal);
    await store.store(job('a', 2), step(), fill({ f: 'second' }), signal);
    expect(readFileSync(join((await store.fetch(dependency('a'), signal))!.root, 'f'), 'utf8')).toBe('second');
    expect(await store.records('a')).toHaveLength(1);
    expect(await store.fetch({ ...dependency('a'), attempt: 2 }, signal)).toBeDefined();
    // The third try uploaded nothing.
    expect(await store.fetch({ ...dependency('a'), attempt: 3 }, signal)).toBeUndefined();
  });

  it('puts several archives of one job together', async () => {
    const store = artifactStore(base);
    const stored = Promise.all([
      store.store(job('a'), step(), fill({ 'logs/x': '1' }), signal),
      store.store(job('a'), step(), fill({ y: '2' }), signal),
    ]);
    expect(new Set((await stored).map((record) => record!.path)).size).toBe(2);
    const trees = await Promise.all([store.fetch(dependency('a'), signal), store.fetch(dependency('a'), signal)]);
    for (const tree of trees) {
      expect(readFileSync(join(tree!.root, 'logs/x'), 'utf8')).toBe('1');
      expect(readFileSync(join(tree!.root, 'y'), 'utf8')).toBe('2');
    }
  });

  it('keeps hostile job names apart and inside', async () => {
    const store = artifactStore(base);
    const names = ['../evil', 'Evil', 'evil', '/etc/passwd', 'a/b', 'a b', '', '.', 'x'.repeat(500)];
    for (const name of names) await store.store(job(name), step(), fill({ f: name }), signal);
    for (const name of names) {
      const tree = await store.fetch(dependency(name), signal);
      expect(tree!.root.startsWith(`${base}/`)).toBe(true);
      expect(readFileSync(join(tree!.root, 'f'), 'utf8')).toBe(name);
    }
    expect(readdirSync(base)).toHaveLength(names.length);
  });

  it('gives workspace layers in order', async () => {
    const store = artifactStore(base);
    await store.persist(job('b'), fill({ one: '1' }), signal);
    await store.persist(job('b'), fill({ two: '2' }), signal);
    await store.persist(job('a'), fill({ three: '3' }), signal);
    const layers = await store.workspaceLayers([dependency('a'), dependency('none'), dependency('b')]);
    expect(layers.map((layer) => [layer.job, layer.entries[0]!.path])).toEqual([
      ['a', 'three'],
      ['b', 'one'],
      ['b', 'two'],
    ]);
    expect(await store.fetch(dependency('a'), signal)).toBeUndefined();
  });

  it('takes over artifacts of another run, which may then go away', async () => {
    const other = artifactStore(join(base, 'other'));
    const store = artifactStore(join(base, 'own'));
    const record = await other.store(job('a'), step(), fill({ f: 'x' }), signal);
    await other.persist(job('a'), fill({ w: 'y' }), signal);
    await store.seedFrom(join(base, 'other'), ['a', 'missing']);
    const tree = (await store.fetch(dependency('a'), signal))!;
    expect(lstatSync(join(tree.root, 'f')).ino).toBe(lstatSync(join(record!.path, 'f')).ino);
    rmSync(join(base, 'other'), { recursive: true });
    expect(readFileSync(join(tree.root, 'f'), 'utf8')).toBe('x');
    expect((await store.records('a'))[0]!.path).toBe(tree.root);
    expect(await store.workspaceLayers([dependency('a')])).toHaveLength(1);
  });

  it('stops when the signal is aborted while it fills', async () => {
    const abort = new AbortController();
    const stopping: Fill = async (into) => {
      abort.abort(new Error('stop'));
      return fill({ f: 'x' })(into);
    };
    await expect(artifactStore(base).store(job('a'), step(), stopping, abort.signal)).rejects.toThrow('stop');
    expect(existsSync(join(base, 'a'))).toBe(false);
  });

  it('knows what it holds without a look as long as the run lasts, unless files have several names', async () => {
    const store = artifactStore(join(base, 'artifacts'));
    const laidBy =
      (given: { readonly hasHardLinks: boolean }): Fill =>
      async (into) => {
        const taken = await fill({ 'd/a': 'one', b: 'three' })(into);
        return { ...taken, ...given, laid: (await walkTree(into)).entries };
      };
    await store.store(job('one'), step(), laidBy({ hasHardLinks: false }), signal);
    await store.store(job('two'), step(), laidBy({ hasHardLinks: true }), signal);
    const fetch = (from: typeof store, id: string) => from.fetch({ id, name: id }, signal);
    const known = await fetch(store, 'one');
    expect(await known?.contents?.()).toEqual((await walkTree(known!.root)).entries);
    expect((await fetch(store, 'two'))?.contents).toBeUndefined();
    const { contents: _, ...read } = known!;
    expect(await fetch(artifactStore(join(base, 'artifacts')), 'one')).toEqual(read);
  });
});
