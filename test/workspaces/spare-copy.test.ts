import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { FileTree } from '../../src/model/files.ts';
import { deferred } from '../../src/util/deferred.ts';
import { walkTree } from '../../src/util/files/walk-tree.ts';
import { spareCopy } from '../../src/workspaces/spare-copy.ts';
import { type TreeCopies, treeCopies } from '../../src/workspaces/tree-copies.ts';

let base: string;
let tree: FileTree;
let copies: TreeCopies;
let made: number;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'ci-spare-'));
  mkdirSync(join(base, 'tree/src'), { recursive: true });
  writeFileSync(join(base, 'tree/src/a'), 'as it was');
  tree = { root: join(base, 'tree'), immutable: true, size: { files: 1, bytes: 9 } };
  made = 0;
  copies = copiesFor(3);
});
afterEach(async () => {
  await copies.close();
  rmSync(base, { recursive: true, force: true });
});

function copiesFor(jobs: number, below = base): TreeCopies {
  return treeCopies({
    path: process.env.PATH ?? '',
    ahead: { jobs, directory: () => join(below, `next-${++made}`) },
  });
}

/** An empty directory, as a job has it before its files come. */
function place(name: string): string {
  mkdirSync(join(base, name));
  return join(base, name);
}

const spares = (): readonly string[] => readdirSync(base).filter((name) => name.startsWith('next-'));
/** A copy of so few files is made without waiting for anything but promises. */
const soon = () => new Promise((resolve) => setImmediate(resolve));

it('has the copy for the next job ready, which is nobody else’s', async () => {
  await copies.copyInto(tree, place('one'), undefined);
  expect(spares()).toEqual([]);
  copies.ahead();
  copies.ahead();
  await soon();
  expect(spares()).toEqual(['next-1']);
  const { ino } = statSync(join(base, 'next-1/src/a'));
  writeFileSync(join(base, 'one/src/a'), 'changed by the first');
  await copies.copyInto(tree, place('two'), undefined);
  expect(statSync(join(base, 'two/src/a')).ino).toBe(ino);
  expect(readFileSync(join(base, 'two/src/a'), 'utf8')).toBe('as it was');
  writeFileSync(join(base, 'two/src/a'), 'changed by the second');
  expect(readFileSync(join(base, 'tree/src/a'), 'utf8')).toBe('as it was');
  // One that nobody has prepared.
  await copies.copyInto(tree, place('three'), undefined);
  expect(readFileSync(join(base, 'three/src/a'), 'utf8')).toBe('as it was');
  copies.ahead();
  await soon();
  expect(spares()).toEqual([]);
});

it('copies where the copy does not fit: into a directory that is not empty, of another tree', async () => {
  await copies.copyInto(tree, place('one'), undefined);
  copies.ahead();
  const other = { ...tree, root: join(base, 'other') };
  mkdirSync(other.root);
  writeFileSync(join(other.root, 'b'), 'of the other');
  await copies.copyInto(other, place('two'), undefined);
  expect(readdirSync(join(base, 'two'))).toEqual(['b']);
  writeFileSync(join(place('three'), 'mine'), 'kept');
  await copies.copyInto(tree, join(base, 'three'), undefined);
  expect(readdirSync(join(base, 'three')).sort()).toEqual(['mine', 'src']);
  copies.hurry();
  await copies.close();
  expect(spares()).toEqual([]);
});

it('keeps the mode of the directory', async () => {
  await copies.copyInto(tree, place('one'), undefined);
  copies.ahead();
  chmodSync(place('two'), 0o700);
  await copies.copyInto(tree, join(base, 'two'), undefined);
  expect(statSync(join(base, 'two')).mode & 0o777).toBe(0o700);
  expect(spares()).toEqual([]);
});

it('removes what nobody came for', async () => {
  await copies.copyInto(tree, place('one'), undefined);
  copies.ahead();
  await soon();
  expect(spares()).toHaveLength(1);
  await copies.close();
  expect(spares()).toEqual([]);
  copies.ahead();
  await soon();
  expect(spares()).toEqual([]);
});

it.each([
  ['many files', { files: 50_001, bytes: 1 }],
  ['many bytes', { files: 1, bytes: (256 << 20) + 1 }],
  ['nobody knows how many files', undefined],
])('copies nothing ahead of %s', async (_, size) => {
  const large = { root: tree.root, immutable: true as const, ...(size === undefined ? {} : { size }) };
  await copies.copyInto(large, place('one'), undefined);
  copies.ahead();
  await soon();
  expect(spares()).toEqual([]);
});

it('copies a part of a tree as it is wanted', async () => {
  await copies.copyInto(tree, place('one'), undefined);
  copies.ahead();
  writeFileSync(join(tree.root, 'b'), 'left out');
  const { entries } = await walkTree(tree.root, { filter: (path) => path !== 'b' });
  const part = { ...tree, entries };
  copies.ahead();
  await soon();
  writeFileSync(join(base, 'next-1/b'), 'not of the part');
  await copies.copyInto(part, place('two'), undefined);
  expect(readdirSync(join(base, 'two'))).toEqual(['src']);
});

it('does without where no copy can be made ahead', async () => {
  writeFileSync(join(base, 'file'), '');
  await copies.close();
  copies = copiesFor(3, join(base, 'file'));
  await copies.copyInto(tree, place('one'), undefined);
  copies.ahead();
  await copies.copyInto(tree, place('two'), undefined);
  expect(readFileSync(join(base, 'two/src/a'), 'utf8')).toBe('as it was');
});

it('keeps a copy that is under way for the next one when who waits for it is stopped', async () => {
  const copied = deferred();
  const removed: string[] = [];
  const spare = spareCopy({
    directory: () => join(base, 'spare'),
    copy: async (_, directory) => {
      mkdirSync(directory);
      await copied.promise;
    },
    remove: async (directory) => void removed.push(directory),
  });
  spare.prepare(tree);
  const stop = new AbortController();
  const waiting = spare.take(tree, place('one'), stop.signal);
  stop.abort(new Error('stopped'));
  await expect(waiting).rejects.toThrow('stopped');
  copied.resolve();
  expect(await spare.take(tree, place('two'), undefined)).toBe(true);
  expect(existsSync(join(base, 'spare'))).toBe(false);
  expect(await spare.take(tree, place('three'), undefined)).toBe(false);
  await spare.close();
  expect(removed).toEqual([]);
});

it('removes a copy whose taker was stopped when there is another one already', async () => {
  const copied = deferred();
  let made = 0;
  const spare = spareCopy({
    directory: () => join(base, `spare-${++made}`),
    copy: async (_, directory) => {
      mkdirSync(directory);
      await copied.promise;
    },
    remove: async (directory) => rmSync(directory, { recursive: true }),
  });
  spare.prepare(tree);
  const stop = new AbortController();
  const waiting = spare.take(tree, place('one'), stop.signal);
  spare.prepare(tree);
  stop.abort(new Error('stopped'));
  await expect(waiting).rejects.toThrow('stopped');
  copied.resolve();
  await spare.close();
  expect(made).toBe(2);
  expect(readdirSync(base).filter((name) => name.startsWith('spare-'))).toEqual([]);
});
