import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JobSpec } from '../../src/model/job-spec.ts';
import type { Fill } from '../../src/model/ports.ts';
import { artifactStore } from '../../src/stores/artifact-store.ts';
import { cacheStore } from '../../src/stores/cache-store.ts';
import { createRun, readRun } from '../../src/stores/run-store.ts';
import { cloneTree } from '../../src/util/files/clone-tree.ts';
import { walkTree } from '../../src/util/files/walk-tree.ts';
import { openWorkspace } from '../../src/workspaces/open-workspace.ts';
import { takeSnapshot } from '../../src/workspaces/take-snapshot.ts';
import { treeCopies } from '../../src/workspaces/tree-copies.ts';

const base = mkdtempSync(join(tmpdir(), 'full-'));
const disk = join(base, 'disk');
const source = join(base, 'source');
mkdirSync(disk);
mkdirSync(source);
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk]).status === 0;
if (!mounted) console.warn('SKIPPED: tests of a full disk need the right to mount a tmpfs');

describe.skipIf(!mounted)('on a full disk', () => {
  const { signal } = new AbortController();
  beforeAll(() => {
    for (let i = 0; i < 3; i++) writeFileSync(join(source, `f${i}`), Buffer.alloc(3 << 20, 1));
  });
  beforeEach(() => {
    for (const name of readdirSync(disk)) rmSync(join(disk, name), { recursive: true });
  });
  afterAll(() => {
    spawnSync('umount', [disk]);
    rmSync(base, { recursive: true, force: true });
  });

  const fill: Fill = async (into) => {
    const { entries, totalBytes } = await cloneTree({ root: source }, into);
    return { entries, totalBytes, unmatched: [], outside: [] };
  };
  const full = {
    name: 'SystemError',
    message: expect.stringMatching(/\/disk\/.*: no space left on the device \(9437184 bytes needed\)/),
  };
  /** Files whose names no reader takes for something finished. */
  const visible = async () =>
    (await walkTree(disk, { filter: (path) => !/(^|\/)\./.test(path) })).entries
      .filter((entry) => entry.type === 'file')
      .map((entry) => entry.path);

  it('a cache is not saved', async () => {
    const store = cacheStore({ directory: join(disk, 'caches'), now: () => 0 });
    await expect(store.save('k', { overwrite: true }, fill, signal)).rejects.toMatchObject(full);
    expect(await store.restore('k', 'exact', signal)).toBeUndefined();
    expect(await visible()).toEqual([]);
  });

  it('an artifact is not stored', async () => {
    const store = artifactStore(join(disk, 'artifacts'));
    const step = {
      kind: 'upload-artifacts',
      type: 'archive',
      phase: 'finish',
      when: 'always',
      paths: [],
      exclude: [],
      untracked: false,
    } as const;
    const job = { id: 'build', attempt: 1 } as JobSpec;
    await expect(store.store(job, step, fill, signal)).rejects.toMatchObject(full);
    expect(await store.fetch({ id: 'build', name: 'build' }, signal)).toBeUndefined();
    expect(await visible()).toEqual([]);
  });

  it('a snapshot is not taken', async () => {
    const request = {
      projectRoot: source,
      storeDirectory: join(disk, 'snapshots'),
      git: () => ({ kind: 'missing' as const }),
      nowMs: 0,
    };
    await expect(takeSnapshot(request)).rejects.toMatchObject(full);
    expect(await visible()).toEqual([]);
  });

  it('a workspace is not filled', async () => {
    const tree = { root: source, immutable: true };
    {
      await using workspace = await openWorkspace(join(disk, 'job'), {
        copies: treeCopies({ path: process.env.PATH ?? '' }),
        scratch: join(disk, 'scratch'),
      });
      await workspace.lay(tree, undefined);
      await expect(workspace.fill(undefined)).rejects.toMatchObject(full);
    }
    expect(await visible()).toEqual([]);
  });

  it('a run keeps its last state', async () => {
    const location = { stateDirectory: disk, projectRoot: source };
    const run = await createRun(location, { file: '.ci.yml', nowMs: 0 });
    const before = (await readRun(location, run.id))!.state;
    const blocker = join(disk, 'blocker');
    try {
      writeFileSync(blocker, Buffer.alloc(16 << 20));
    } catch {
      // As much as there was room for.
    }
    const state = { ...before, file: 'x'.repeat(100_000) };
    await expect(run.writeState(state)).rejects.toMatchObject({
      name: 'SystemError',
      message: expect.stringMatching(/\/disk\/.*: no space left on the device \(100\d{3} bytes needed\)/),
    });
    expect((await readRun(location, run.id))!.state).toEqual(before);
  });
});
