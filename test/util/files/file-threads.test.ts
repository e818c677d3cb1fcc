import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cloneTree, linkOrCopyTree } from '../../../src/util/files/clone-tree.ts';
import { copyList } from '../../../src/util/files/copy-list.ts';
import { FileThreadLost, type FileThreads, fileThreads } from '../../../src/util/files/file-threads.ts';
import { takeFiles } from '../../../src/util/files/take-files.ts';
import type { TreeEntry } from '../../../src/util/files/tree-entry.ts';
import { walkTree } from '../../../src/util/files/walk-tree.ts';

let base: string;
let threads: FileThreads;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'threads-'));
  threads = fileThreads(2);
});
afterEach(async () => {
  await threads.close();
  rmSync(base, { recursive: true, force: true });
});

function fill(directory: string, files: number): void {
  for (let index = 0; index < files; index++) {
    const folder = join(base, directory, `d${index % 7}`, `e${index % 3}`);
    if (index < 21) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `f${index}`), `${index}`);
  }
}

describe('clear', () => {
  it('removes what is there, from both ends, and nothing behind a link', async () => {
    fill('tree', 2000);
    mkdirSync(join(base, 'elsewhere/kept'), { recursive: true });
    symlinkSync(join(base, 'elsewhere'), join(base, 'tree/link'));
    symlinkSync('nowhere', join(base, 'tree/d1/dangling'));
    mkdirSync(join(base, 'tree/empty'));
    threads.expect(10_000);
    await threads.clear(join(base, 'tree'));
    expect(readdirSync(base)).toEqual(['elsewhere']);
    expect(existsSync(join(base, 'elsewhere/kept'))).toBe(true);
  });

  it('clears several directories, one after another and at once', async () => {
    threads.expect(10_000);
    for (const round of [1, 2]) {
      fill('a', 100 * round);
      fill('b', 900);
      await Promise.all([threads.clear(join(base, 'a')), threads.clear(join(base, 'b'))]);
      expect(readdirSync(base)).toEqual([]);
    }
  });

  it('leaves a directory that is none, or a link to one, or not there', async () => {
    fill('tree', 30);
    symlinkSync(join(base, 'tree'), join(base, 'link'));
    threads.expect(10_000);
    for (const name of ['link', 'none', 'tree/d0/e0/f0']) await threads.clear(join(base, name));
    expect((await walkTree(base)).entries.filter(({ type }) => type === 'file')).toHaveLength(30);
    expect(lstatSync(join(base, 'link')).isSymbolicLink()).toBe(true);
  });

  it('does nothing where no threads are running', async () => {
    fill('tree', 10);
    threads.expect(10);
    await threads.clear(join(base, 'tree'));
    expect(existsSync(join(base, 'tree/d0/e0/f0'))).toBe(true);
  });
});

describe('links by threads', () => {
  const entriesOf = async (root: string) => (await walkTree(root)).entries;

  it('are those that are made without', async () => {
    fill('from', 3200);
    chmodSync(join(base, 'from/d1/e1/f1'), 0o755);
    const from = { root: join(base, 'from') };
    const { linked, files } = await linkOrCopyTree(from, join(base, 'by threads'), { threads });
    await linkOrCopyTree(from, join(base, 'without'));
    expect({ linked, files }).toEqual({ linked: 3200, files: 3200 });
    expect(await entriesOf(join(base, 'by threads'))).toMatchObject(
      (await entriesOf(join(base, 'without'))).map(({ path, type, mode, mtimeMs, ino }) =>
        type === 'directory' ? { path, type, mode, mtimeMs } : { path, type, mode, mtimeMs, ino },
      ),
    );
  });

  it('replace what is in the way, and are copies of what can only be copied', async () => {
    fill('from', 3200);
    fill('other', 30);
    mkdirSync(join(base, 'to/d0/e0/f0'), { recursive: true });
    mkdirSync(join(base, 'to/d2/e2'), { recursive: true });
    writeFileSync(join(base, 'to/d2/e2/f2'), 'before');
    const linkFrom = ({ path }: TreeEntry): readonly string[] => {
      if (path.endsWith('/f3')) return [];
      if (path.endsWith('/f4')) return [join(base, 'none')];
      return path.endsWith('/f5') ? [join(base, 'none'), join(base, 'other', path)] : [join(base, 'from', path)];
    };
    const { linked } = await linkOrCopyTree({ root: join(base, 'from') }, join(base, 'to'), { threads, linkFrom });
    expect(linked).toBe(3198);
    const ino = (path: string) => lstatSync(join(base, path)).ino;
    for (const path of ['d0/e0/f0', 'd2/e2/f2']) expect(ino(`to/${path}`)).toBe(ino(`from/${path}`));
    for (const path of ['d3/e0/f3', 'd4/e1/f4']) {
      expect(ino(`to/${path}`)).not.toBe(ino(`from/${path}`));
      expect(readFileSync(join(base, 'to', path), 'utf8')).toBe(readFileSync(join(base, 'from', path), 'utf8'));
    }
    expect(ino('to/d5/e2/f5')).toBe(ino('other/d5/e2/f5'));
  });

  it('fail as they do without', async () => {
    fill('from', 3200);
    const from = { root: join(base, 'from'), complete: await entriesOf(join(base, 'from')) };
    rmSync(join(base, 'from/d6/e0/f6'));
    await expect(linkOrCopyTree(from, join(base, 'a'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(linkOrCopyTree(from, join(base, 'b'), { threads })).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(cloneTree(from, join(base, 'c'), { threads })).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('takeFiles', () => {
  it('looks at files and copies those that give no trouble, with time and mode', async () => {
    fill('tree', 400);
    const at = (path: string) => join(base, 'tree', path);
    const modes = { 'd1/e1/f1': 0o666, 'd2/e2/f2': 0o755, 'd3/e0/f3': 0o600, 'd4/e1/f4': 0o400, 'd4/e1/f25': 0o666 };
    for (const [path, mode] of Object.entries(modes)) chmodSync(at(path), mode);
    utimesSync(at('d5/e2/f5'), 1_000_000, 1_000_000.25);
    linkSync(at('d6/e0/f6'), at('same'));
    writeFileSync(at('empty'), '');
    const before = (await walkTree(join(base, 'tree'))).entries.filter(({ type }) => type === 'file');
    const left = ['large', 'setgid', 'link', 'd0/dangling', 'd0', 'none', 'd0/e0/f0/x'];
    writeFileSync(at('large'), Buffer.alloc(600_000));
    writeFileSync(at('setgid'), '');
    chmodSync(at('setgid'), 0o2755);
    symlinkSync('d0/e0/f0', at('link'));
    symlinkSync('nowhere', at('d0/dangling'));
    const paths = [...left, ...before.map(({ path }) => path)];
    const places = { root: join(base, 'tree'), target: join(base, 'to') };
    mkdirSync(places.target);
    const taken = await takeFiles(paths, { ...places, threads });
    expect(taken.count).toBe(before.length);
    expect(paths.map((_, index) => taken.entryOf(index))).toEqual([...left.map(() => undefined), ...before]);
    const after = (await walkTree(places.target)).entries.filter(({ type }) => type !== 'directory');
    expect(after).toMatchObject(before.map(({ path, mode }) => ({ path, mode })));
    // Node sets times in microseconds.
    for (const [index, { mtimeMs }] of after.entries()) expect(mtimeMs).toBeCloseTo(before[index]!.mtimeMs, 1);
    for (const { path } of before) expect(readFileSync(join(base, 'to', path))).toEqual(readFileSync(at(path)));
  });

  it('leaves what is in the way, and ends when it is to', async () => {
    fill('tree', 30);
    mkdirSync(join(base, 'to/d0/e0'), { recursive: true });
    writeFileSync(join(base, 'to/d0/e0/f0'), 'before');
    const places = { root: join(base, 'tree'), target: join(base, 'to'), threads };
    const taken = await takeFiles(['d0/e0/f0', 'd1/e1/f1'], places);
    expect([taken.count, taken.entryOf(0), taken.entryOf(1)?.path]).toEqual([1, undefined, 'd1/e1/f1']);
    expect(readFileSync(join(base, 'to/d0/e0/f0'), 'utf8')).toBe('before');
    const aborted = takeFiles(['d2/e2/f2'], { ...places, signal: AbortSignal.abort(new Error('enough')) });
    await expect(aborted).rejects.toThrow('enough');
  });
});

describe('copies of a list', () => {
  it('are those that are made without, whatever was in the way', async () => {
    fill('tree', 3100);
    const at = (path: string) => join(base, 'tree', path);
    linkSync(at('d6/e0/f6'), at('same'));
    symlinkSync('d0/e0/f0', at('link'));
    writeFileSync(at('large'), Buffer.alloc(600_000));
    chmodSync(at('d1/e1/f1'), 0o2750);
    chmodSync(at('d2/e2/f2'), 0o666);
    for (const target of ['by list', 'without']) {
      const to = (path: string) => join(base, target, path);
      fill(join(target, 'd0/e0/f0'), 3);
      mkdirSync(to('link'));
      symlinkSync(join(base, 'elsewhere'), to('d1'));
      symlinkSync(join(base, 'elsewhere'), to('d0/e0/f21'));
    }
    const source = { root: join(base, 'tree') };
    const { entries } = await walkTree(source.root);
    const byList = await cloneTree({ ...source, list: copyList(entries) }, join(base, 'by list'), { threads });
    expect(byList).toEqual(await cloneTree({ ...source, complete: entries }, join(base, 'without')));
    const look = (name: string) =>
      execFileSync('find', ['.', '-mindepth', '1', '-printf', '%P %y %m %n %T@ %s %l\\n'], {
        cwd: join(base, name),
        encoding: 'utf8',
      });
    expect(look('by list').split('\n').sort()).toEqual(look('without').split('\n').sort());
    for (const path of ['d0/e0/f0', 'd0/e0/f21', 'd6/e2/f3044']) {
      expect(readFileSync(join(base, 'by list', path))).toEqual(readFileSync(at(path)));
    }
    expect(existsSync(join(base, 'elsewhere'))).toBe(false);
  });

  it('fail as they do without', async () => {
    fill('tree', 3100);
    const list = copyList((await walkTree(join(base, 'tree'))).entries);
    rmSync(join(base, 'tree/d6/e0/f6'));
    const copy = (signal?: AbortSignal) =>
      cloneTree({ root: join(base, 'tree'), list }, join(base, 'to'), { threads, ...(signal && { signal }) });
    await expect(copy()).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(copy(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });
});

describe('a thread that ends by itself', () => {
  /** What it can't understand ends a thread. */
  const loseOne = async (): Promise<void> => {
    const [thread] = threads.get();
    await expect(thread!.clear(undefined as never, 'start')).rejects.toBeInstanceOf(FileThreadLost);
    expect(thread!.isLost).toBe(true);
  };

  it('is not asked again, and the other one goes on', async () => {
    threads.expect(10_000);
    await loseOne();
    expect(threads.get()).toHaveLength(1);
    fill('tree', 900);
    await threads.clear(join(base, 'tree'));
    expect(readdirSync(base)).toEqual([]);
  });

  it('leaves its work to this thread', async () => {
    fill('tree', 4000);
    threads.expect(10_000);
    const copying = cloneTree({ root: join(base, 'tree') }, join(base, 'copy'), { threads });
    await loseOne();
    await copying;
    expect((await walkTree(join(base, 'copy'))).entries).toHaveLength(
      (await walkTree(join(base, 'tree'))).entries.length,
    );
    await loseOne();
    expect(threads.get()).toEqual([]);
    const list = copyList((await walkTree(join(base, 'tree'))).entries);
    await cloneTree({ root: join(base, 'tree'), list }, join(base, 'again'), { threads });
    await linkOrCopyTree({ root: join(base, 'tree') }, join(base, 'links'), { threads });
    const places = { root: join(base, 'tree'), target: join(base, 'none') };
    expect(await takeFiles(['d0/e0/f21'], { ...places, threads })).toMatchObject({ count: 0 });
    for (const name of ['again', 'links']) expect(readFileSync(join(base, name, 'd0/e0/f21'), 'utf8')).toBe('21');
  });
});
