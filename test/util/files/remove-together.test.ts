import { existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { removalsTogether } from '../../../src/util/files/remove-together.ts';
import { removeTree } from '../../../src/util/files/remove-tree.ts';

const base = mkdtempSync(join(tmpdir(), 'ci-together-'));
afterAll(() => removeTree(base));

function makeDirectories(parent: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => {
    const directory = join(base, parent, `-d ${index}`);
    mkdirSync(join(directory, 'in it'), { recursive: true });
    writeFileSync(join(directory, 'in it', 'file'), 'x');
    return directory;
  });
}

it.each([
  ['few', 3, process.env.PATH ?? ''],
  ['many, by a program', 40, process.env.PATH ?? ''],
  ['many where there is no program', 40, '/nowhere'],
])('removes %s', async (name, count, path) => {
  const removals = removalsTogether(path);
  const directories = makeDirectories(name, count);
  const removed = directories.map((directory) => removals.remove(directory));
  expect(directories.every((directory) => existsSync(directory))).toBe(true);
  await Promise.all(removed);
  expect(readdirSync(join(base, name))).toEqual([]);
});

it('removes what waits and what comes at once when there is no time', async () => {
  const removals = removalsTogether(process.env.PATH ?? '');
  const [first, second] = makeDirectories('hurried', 2);
  const waiting = removals.remove(first!);
  removals.hurry();
  await Promise.all([waiting, removals.remove(second!), removals.remove(join(base, 'never there'))]);
  expect(readdirSync(join(base, 'hurried'))).toEqual([]);
});

it('leaves what is worth a program to whoever runs it for less, and does what that did not do', async () => {
  const asked: (readonly string[])[] = [];
  const removals = removalsTogether(process.env.PATH ?? '', (argv) => {
    asked.push(argv);
    return argv.length > 10 ? Promise.reject(new Error('gone')) : undefined;
  });
  for (const [name, count] of [['two', 2] as const, ['six', 6] as const, ['ten', 10] as const]) {
    await Promise.all(makeDirectories(name, count).map((directory) => removals.remove(directory)));
    expect(readdirSync(join(base, name))).toEqual([]);
  }
  expect(asked.map((argv) => argv.length)).toEqual([9, 13]);
  expect(asked[0]!.slice(0, 3)).toEqual(['rm', '-rf', '--']);
});
