import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileTree } from '../../src/model/files.ts';
import { readEntry } from '../../src/util/files/walk-tree.ts';
import { unmountBelow } from '../../src/util/unmount.ts';
import { layerMounts } from '../../src/workspaces/layer-mounts.ts';
import { openWorkspace, type WorkspaceFilling } from '../../src/workspaces/open-workspace.ts';
import { originsOf } from '../../src/workspaces/origins-of.ts';
import { treeCopies } from '../../src/workspaces/tree-copies.ts';

const isRoot = process.getuid?.() === 0;
const path = process.env.PATH ?? '';

let base: string;
let fillings: WorkspaceFilling[];
const refusals: string[] = [];
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'workspace,:\\ '));
  fillings = [];
  refusals.length = 0;
});
afterEach(async () => {
  await unmountBelow(base, path);
  rmSync(base, { recursive: true, force: true });
});

function tree(name: string, files: Readonly<Record<string, string>>, size?: FileTree['size']): FileTree {
  const root = join(base, name);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(root, file, '..'), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  return { root, immutable: true, ...(size === undefined ? {} : { size }) };
}

function open(given?: { readonly mounts: ReturnType<typeof layerMounts> }) {
  const { mounts } = given ?? { mounts: layerMounts('overlay', path, (why) => refusals.push(why)) };
  return openWorkspace(join(base, 'job/dir'), {
    ...(mounts === undefined ? {} : { mounts }),
    copies: treeCopies({ path: process.env.PATH ?? '' }),
    scratch: join(base, 'job/.layers'),
    onFilled: async (filling) => {
      fillings.push(filling);
    },
  });
}

const text = (file: string): string => readFileSync(join(base, file), 'utf8');

describe('a workspace by copies', () => {
  it('can be changed', async () => {
    const sources = tree('tree', { 'src/a': 'a' });
    {
      await using workspace = await open({ mounts: layerMounts('copy', path, () => {}) });
      await workspace.lay(sources, undefined);
      const { seenAt, method } = await workspace.fill(undefined);
      expect(seenAt).toBe(workspace.directory);
      expect(['copy', 'reflink']).toContain(method);
      writeFileSync(join(seenAt, 'src/a'), 'changed');
      expect(lstatSync(join(seenAt, 'src/a')).ino).not.toBe(lstatSync(join(base, 'tree/src/a')).ino);
      expect(text('tree/src/a')).toBe('a');
    }
    expect(text('tree/src/a')).toBe('a');
  });

  it('stops, and says what fails', async () => {
    await using workspace = await open({ mounts: layerMounts('copy', path, () => {}) });
    const sources = tree('tree', { a: 'a' });
    await expect(workspace.lay(sources, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
    await workspace.lay(sources, undefined);
    await expect(workspace.fill(AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
    writeFileSync(join(base, 'file'), '');
    await expect(
      openWorkspace(join(base, 'file/x'), {
        copies: treeCopies({ path: process.env.PATH ?? '' }),
        scratch: join(base, 's'),
      }),
    ).rejects.toMatchObject({
      name: 'SystemError',
    });
  });
});

describe.skipIf(!isRoot)('a workspace by an overlay', () => {
  it('shows all layers, keeps them as they are, and leaves no mount', async () => {
    const low = tree('low', { 'src/a': 'low', 'src/b': 'low', gone: 'low' });
    const high = tree('high', { 'src/a': 'high', 'new/c': 'high' });
    {
      await using workspace = await open();
      await workspace.lay(low, undefined);
      await workspace.lay(high, undefined);
      expect(readdirSync(workspace.directory)).toEqual([]);
      const { seenAt, method } = await workspace.fill(undefined);
      expect(method).toBe('overlay');
      expect(text('job/dir/src/a') + text('job/dir/src/b')).toBe('highlow');
      writeFileSync(join(seenAt, 'src/b'), 'mine');
      rmSync(join(seenAt, 'gone'));
      execFileSync('mv', [join(seenAt, 'src'), join(seenAt, 'renamed')]);
      expect(readdirSync(seenAt).sort()).toEqual(['new', 'renamed']);
      expect(readdirSync(join(base, 'low')).sort()).toEqual(['gone', 'src']);
      expect(text('low/src/b')).toBe('low');
    }
    expect(readdirSync(join(base, 'job/dir'))).toEqual([]);
    expect(fillings).toMatchObject([{ method: 'overlay', layers: 2 }]);
    expect(text('low/src/a') + text('high/src/a')).toBe('lowhigh');
  });

  it('slides later layers in as long as nothing was changed, then copies them over the changes', async () => {
    await using workspace = await open();
    await workspace.lay(tree('one', { a: '1', b: '1' }), undefined);
    await workspace.fill(undefined);
    await workspace.lay(tree('two', { a: '2' }), undefined);
    const { seenAt } = await workspace.fill(undefined);
    expect(text('job/dir/a') + text('job/dir/b')).toBe('21');
    writeFileSync(join(seenAt, 'a'), 'changed');
    writeFileSync(join(seenAt, 'c'), 'changed');
    await workspace.lay(tree('three', { a: '3', d: '3' }), undefined);
    await workspace.fill(undefined);
    expect(text('job/dir/a') + text('job/dir/b') + text('job/dir/c') + text('job/dir/d')).toBe('31changed3');
    workspace.settle();
    await workspace.lay(tree('four', { a: '4' }), undefined);
    expect(text('job/dir/a')).toBe('4');
    expect(fillings.map(({ layers }) => layers)).toEqual([1, 2, 2, 2]);
  });

  it('takes a tree that is laid twice', async () => {
    await using workspace = await open();
    const [one, two] = [tree('one', { a: '1' }), tree('two', { a: '2' })];
    for (const each of [one, two, one]) await workspace.lay(each, undefined);
    expect((await workspace.fill(undefined)).method).toBe('overlay');
    expect(text('job/dir/a')).toBe('1');
    expect(refusals).toEqual([]);
  });

  it('keeps the names of one file together', async () => {
    await using workspace = await open();
    const low = tree('low', { a: '1' });
    linkSync(join(base, 'low/a'), join(base, 'low/b'));
    await workspace.lay(low, undefined);
    const { seenAt } = await workspace.fill(undefined);
    appendFileSync(join(seenAt, 'a'), '2');
    expect(text('job/dir/b') + text('low/b')).toBe('121');
  });

  it('copies what is small, and mounts once more comes', async () => {
    await using workspace = await open({ mounts: layerMounts('auto', path, () => {}) });
    await workspace.lay(tree('small', { a: '1' }, { files: 1, bytes: 1 }), undefined);
    expect((await workspace.fill(undefined)).method).not.toBe('overlay');
    await workspace.lay(tree('large', { b: '2' }, { files: 10_000, bytes: 1 }), undefined);
    expect((await workspace.fill(undefined)).method).toBe('overlay');
    expect(text('job/dir/a') + text('job/dir/b')).toBe('12');
  });

  it('takes more layers than their paths would fit into the options of a mount', async () => {
    await using workspace = await open();
    for (let index = 0; index < 100; index++) {
      await workspace.lay(tree(`layer-${'x'.repeat(60)}-${index}`, { [`f${index}`]: `${index}` }), undefined);
    }
    const { seenAt, method } = await workspace.fill(undefined);
    expect({ method, files: readdirSync(seenAt).length }).toEqual({ method: 'overlay', files: 100 });
  });

  it('knows the file of the store behind one that is seen', async () => {
    await using workspace = await open();
    await workspace.lay(tree('low', { 'dir/a': 'low', b: 'low', c: 'low' }), undefined);
    const { seenAt, layers } = await workspace.fill(undefined);
    writeFileSync(join(seenAt, 'b'), 'new');
    execFileSync('mv', [join(seenAt, 'dir'), join(seenAt, 'moved')]);
    const origins = (file: string) => {
      const entry = readEntry(seenAt, file);
      if (entry === undefined || 'because' in entry) throw new Error(file);
      return [...originsOf(entry, layers!)].filter((origin) => existsSync(origin));
    };
    expect(origins('b')).toEqual([join(base, 'job/.layers/u/b')]);
    expect(origins('c')).toEqual([join(base, 'low/c')]);
    expect(origins('moved/a')).toEqual([]);
  });

  it('copies where the system refuses, and says so once', async () => {
    const mounts = layerMounts('overlay', path, (why) => refusals.push(why))!;
    const broken = {
      ...mounts,
      mount: (request: Parameters<typeof mounts.mount>[0]) =>
        mounts.mount({ ...request, target: join(base, 'nowhere') }),
    };
    for (const name of ['one', 'two']) {
      await using workspace = await open({ mounts: broken });
      await workspace.lay(tree(name, { a: name }), undefined);
      expect((await workspace.fill(undefined)).method).not.toBe('overlay');
      expect(text('job/dir/a')).toBe(name);
    }
    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toMatch(/nowhere/);
  });

  it('is unmounted after its process was killed', async () => {
    const workspace = await open();
    await workspace.lay(tree('low', { a: 'low' }), undefined);
    await workspace.fill(undefined);
    await unmountBelow(join(base, 'job'), path);
    expect(readdirSync(workspace.directory)).toEqual([]);
  });
});

describe('the way of mounting', () => {
  const given = (isolation: 'auto' | 'overlay' | 'copy', uid: number, platform = 'linux') =>
    layerMounts(isolation, path, () => {}, { platform, uid }) !== undefined;

  it('breaks nothing unasked', () => {
    expect(given('auto', 0)).toBe(true);
    expect(given('auto', 1000)).toBe(false);
    expect(given('overlay', 1000)).toBe(true);
    expect(given('copy', 0)).toBe(false);
    expect(given('overlay', 0, 'darwin')).toBe(false);
  });
});
