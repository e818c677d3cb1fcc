import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cloneTree, linkOrCopyTree } from '../../../src/util/files/clone-tree.ts';
import { fileCopier } from '../../../src/util/files/file-copier.ts';
import { explainFileError } from '../../../src/util/files/file-problem.ts';
import { measureTree } from '../../../src/util/files/measure-tree.ts';
import { removeTree } from '../../../src/util/files/remove-tree.ts';
import { walkTree } from '../../../src/util/files/walk-tree.ts';
import { writeFileAtomic } from '../../../src/util/files/write-file-atomic.ts';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'files-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function write(path: string, content = path, mode = 0o644): string {
  const absolute = join(base, path);
  mkdirSync(join(absolute, '..'), { recursive: true });
  writeFileSync(absolute, content);
  chmodSync(absolute, mode);
  return absolute;
}

describe('walkTree', () => {
  it('lists parents first and siblings in order', async () => {
    write('b/z');
    write('b/a');
    write('a');
    const { entries } = await walkTree(base);
    expect(entries.map((entry) => `${entry.type} ${entry.path}`)).toEqual([
      'file a',
      'directory b',
      'file b/a',
      'file b/z',
    ]);
  });

  it('does not follow loops of symbolic links', async () => {
    mkdirSync(join(base, 'a/b'), { recursive: true });
    symlinkSync('..', join(base, 'a/b/up'));
    symlinkSync(base, join(base, 'a/top'));
    const { entries } = await walkTree(base);
    expect(entries.map((entry) => entry.path)).toEqual(['a', 'a/b', 'a/b/up', 'a/top']);
  });

  it('survives a tree deeper than a stack, and names special files', async () => {
    mkdirSync(join(base, Array(600).fill('d').join('/')), { recursive: true });
    expect((await walkTree(base)).entries).toHaveLength(600);
  });

  it('leaves out what the filter refuses, with all below it', async () => {
    write('keep/x');
    write('drop/x');
    const { entries } = await walkTree(base, { filter: (path) => path !== 'drop' });
    expect(entries.map((entry) => entry.path)).toEqual(['keep', 'keep/x']);
  });

  it('throws when the root is missing', async () => {
    await expect(walkTree(join(base, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('cloneTree', () => {
  it('keeps content, modes, times, links and hard links', async () => {
    write('from/run.sh', 'echo', 0o755);
    write('from/setuid', 'x', 0o4755);
    write('from/closed/inner', 'x');
    linkSync(join(base, 'from/run.sh'), join(base, 'from/same.sh'));
    symlinkSync('/nowhere', join(base, 'from/dangling'));
    utimesSync(join(base, 'from/run.sh'), 1000, 1234.5);
    chmodSync(join(base, 'from/closed'), 0o555);
    utimesSync(join(base, 'from/closed'), 1000, 2000);
    const done = await cloneTree({ root: join(base, 'from') }, join(base, 'to'));
    const to = (path: string) => lstatSync(join(base, 'to', path));
    expect(done.files).toBe(4);
    expect(readFileSync(join(base, 'to/run.sh'), 'utf8')).toBe('echo');
    expect(to('run.sh').mode & 0o7777).toBe(0o755);
    expect(to('run.sh').mtimeMs).toBe(1234500);
    expect(to('same.sh').ino).toBe(to('run.sh').ino);
    expect(to('run.sh').ino).not.toBe(lstatSync(join(base, 'from/run.sh')).ino);
    expect(to('setuid').mode & 0o7777).toBe(0o755);
    expect(readlinkSync(join(base, 'to/dangling'))).toBe('/nowhere');
    expect(to('closed').mode & 0o777).toBe(0o555);
    expect(to('closed').mtimeMs).toBe(2000000);
    chmodSync(join(base, 'from/closed'), 0o755);
    chmodSync(join(base, 'to/closed'), 0o755);
  });

  it('replaces files without writing through hard links or symbolic links', async () => {
    write('from/a', 'new');
    write('from/b', 'new');
    write('from/d/c', 'new');
    write('from/was-dir', 'new');
    write('outside/victim', 'old');
    write('outside/dir/c', 'old');
    mkdirSync(join(base, 'to'));
    linkSync(join(base, 'outside/victim'), join(base, 'to/a'));
    symlinkSync('../outside/victim', join(base, 'to/b'));
    symlinkSync('../outside/dir', join(base, 'to/d'));
    write('to/was-dir/child', 'old');
    write('to/other', 'stays');
    await cloneTree({ root: join(base, 'from') }, join(base, 'to'));
    expect(readFileSync(join(base, 'outside/victim'), 'utf8')).toBe('old');
    expect(readFileSync(join(base, 'outside/dir/c'), 'utf8')).toBe('old');
    for (const path of ['a', 'b', 'd/c', 'was-dir']) expect(readFileSync(join(base, 'to', path), 'utf8')).toBe('new');
    expect(lstatSync(join(base, 'to/d')).isDirectory()).toBe(true);
    expect(readFileSync(join(base, 'to/other'), 'utf8')).toBe('stays');
  });

  it('replaces a directory symlink that files of the tree go through, also for parents only implied', async () => {
    write('from/deep/er/file', 'new');
    mkdirSync(join(base, 'outside'));
    mkdirSync(join(base, 'to'));
    symlinkSync(join(base, 'outside'), join(base, 'to/deep'));
    await cloneTree({ root: join(base, 'from'), entries: [{ path: 'deep/er/file' }] }, join(base, 'to'));
    expect(readdirSync(join(base, 'outside'))).toEqual([]);
    expect(readFileSync(join(base, 'to/deep/er/file'), 'utf8')).toBe('new');
  });

  it('copies by threads as it does without', async () => {
    for (let i = 0; i < 3200; i++) write(`from/d${i % 40}/f${i}`, `content ${i}`);
    write('to/d1/f1', 'in the way');
    const { files } = await cloneTree({ root: join(base, 'from') }, join(base, 'to'));
    expect(files).toBe(3200);
    for (const i of [0, 1, 1599, 3199]) {
      const path = `d${i % 40}/f${i}`;
      expect(readFileSync(join(base, 'to', path), 'utf8')).toBe(`content ${i}`);
      expect(statSync(join(base, 'to', path)).mtimeMs).toBeCloseTo(statSync(join(base, 'from', path)).mtimeMs, 1);
    }
  });

  it('names entries that are not there', async () => {
    write('from/a');
    const done = await cloneTree(
      { root: join(base, 'from'), entries: [{ path: 'a' }, { path: 'b/c' }] },
      join(base, 'to'),
    );
    expect(done.files).toBe(1);
    expect(done.skipped).toEqual([
      { path: 'b', because: 'ENOENT' },
      { path: 'b/c', because: 'ENOENT' },
    ]);
  });

  it('reports what a thread could not copy as an error of the system', async () => {
    await using copier = fileCopier({ concurrency: 2, expectedFiles: 10_000 });
    await copier.add({ from: join(base, 'none'), to: join(base, 'x'), mtimeMs: 0, sizeBytes: 0 });
    await expect(copier.finish()).rejects.toMatchObject({ code: 'ENOENT', path: join(base, 'none') });
  });

  it('stops when the signal is aborted', async () => {
    write('from/a');
    await expect(
      cloneTree({ root: join(base, 'from') }, join(base, 'to'), { signal: AbortSignal.abort(new Error('stop')) }),
    ).rejects.toThrow('stop');
  });
});

describe('linkOrCopyTree', () => {
  it('links files on the same device', async () => {
    write('from/d/a', 'x');
    const { linked } = await linkOrCopyTree({ root: join(base, 'from') }, join(base, 'to'));
    expect(linked).toBe(1);
    expect(lstatSync(join(base, 'to/d/a')).ino).toBe(lstatSync(join(base, 'from/d/a')).ino);
    expect((await measureTree(base)).totalBytes).toBe(1);
  });
});

describe('removeTree', () => {
  it('removes read-only directories and links, not what they point to', async () => {
    write('victim/file');
    write('tree/closed/file');
    symlinkSync('../victim', join(base, 'tree/link'));
    chmodSync(join(base, 'tree/closed'), 0o500);
    await removeTree(join(base, 'tree'));
    expect(existsSync(join(base, 'tree'))).toBe(false);
    expect(existsSync(join(base, 'victim/file'))).toBe(true);
    await removeTree(join(base, 'tree'));
    await removeTree(join(base, 'victim/file'));
    expect(existsSync(join(base, 'victim/file'))).toBe(false);
  });

  it('removes names that are no UTF-8 and paths longer than the system takes', async () => {
    write('tree/x');
    writeFileSync(Buffer.concat([Buffer.from(`${base}/tree/`), Buffer.from([0xff, 0xfe])]), 'x');
    expect((await walkTree(join(base, 'tree'))).skipped).toMatchObject([{ because: 'name is not UTF-8' }]);
    const name = 'n'.repeat(200);
    for (let level = 0; level < 3; level++) {
      // Grows from the top, since a longer path can't be given to mkdir.
      mkdirSync(join(base, 'next', Array(15).fill(name).join('/')), { recursive: true });
      if (existsSync(join(base, 'tree/deep'))) {
        renameSync(join(base, 'tree/deep'), join(base, 'next', Array(15).fill(name).join('/'), 'deep'));
      }
      renameSync(join(base, 'next'), join(base, 'tree/deep'));
    }
    await removeTree(join(base, 'tree'));
    expect(existsSync(join(base, 'tree'))).toBe(false);
  });
});

describe('writeFileAtomic', () => {
  it('replaces a file and leaves no temporary one', async () => {
    const path = write('state.json', 'old');
    await writeFileAtomic(path, 'new', { mode: 0o600 });
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(base)).toEqual(['state.json']);
  });

  it('leaves the old file when it fails', async () => {
    write('directory/child');
    await expect(writeFileAtomic(join(base, 'directory'), 'x')).rejects.toMatchObject({ code: 'EISDIR' });
    expect(readdirSync(base)).toEqual(['directory']);
  });
});

describe('explainFileError', () => {
  it('names path and bytes when the disk is full', () => {
    const error = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', path: '/from', dest: '/to' });
    expect(explainFileError(error, { doing: 'save the cache', bytesNeeded: 12 })?.message).toBe(
      'cannot save the cache: /to: no space left on the device (12 bytes needed)',
    );
    expect(explainFileError(new TypeError('bug'), { doing: 'x' })).toBeUndefined();
  });
});
