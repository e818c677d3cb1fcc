import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { selectFiles } from '../../../src/util/files/select-files.ts';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'select-'));
  for (const path of [
    'a.log',
    'b.txt',
    'dist/app.js',
    'dist/app.js.map',
    'dist/sub/deep.js',
    'build/reports/one.xml',
    'build/reports/two.xml',
    'build/other.xml',
    '.env',
    '.git/config',
    'dist/.git/HEAD',
    'node_modules/pkg/index.js',
  ]) {
    mkdirSync(dirname(join(base, path)), { recursive: true });
    writeFileSync(join(base, path), 'x');
  }
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

async function files(paths: readonly string[], exclude: readonly string[] = []): Promise<string[]> {
  const selected = await selectFiles(base, { paths, exclude });
  return selected.entries.filter((entry) => entry.type !== 'directory').map((entry) => entry.path);
}

describe('selectFiles', () => {
  it.each<[string, readonly string[], readonly string[], readonly string[]]>([
    ['a file', ['b.txt'], [], ['b.txt']],
    ['a directory stands for all below it', ['dist'], [], ['dist/app.js', 'dist/app.js.map', 'dist/sub/deep.js']],
    ['trailing slash', ['dist/'], [], ['dist/app.js', 'dist/app.js.map', 'dist/sub/deep.js']],
    ['leading dot slash', ['./dist/sub'], [], ['dist/sub/deep.js']],
    ['star stays in one directory', ['*.log', '*.js'], [], ['a.log']],
    ['double star', ['**/*.xml'], [], ['build/other.xml', 'build/reports/one.xml', 'build/reports/two.xml']],
    [
      'a star that matches a directory takes it whole',
      ['build/*'],
      [],
      ['build/other.xml', 'build/reports/one.xml', 'build/reports/two.xml'],
    ],
    ['exclude', ['dist'], ['dist/**/*.map', 'dist/sub/*'], ['dist/app.js']],
    ['excluding a directory does not exclude what is in it', ['dist/sub'], ['dist/sub'], ['dist/sub/deep.js']],
    [
      'braces with slashes',
      ['{build/reports,dist/sub}/*'],
      [],
      ['build/reports/one.xml', 'build/reports/two.xml', 'dist/sub/deep.js'],
    ],
    ['dots inside', ['dist/../b.txt'], [], ['b.txt']],
    ['dot files match', ['.e*'], [], ['.env']],
    ['git only where it is named', ['.git/config'], [], ['.git/config']],
  ])('%s', async (_name, paths, exclude, expected) => {
    expect(await files(paths, exclude)).toEqual(expected);
  });

  it('takes everything but .git for the directory itself', async () => {
    for (const paths of [['.'], ['**/*'], ['./'], [base], ['*', '.env']]) {
      const found = await files(paths);
      expect(found).toHaveLength(10);
      expect(found.some((path) => path.includes('.git'))).toBe(false);
    }
  });

  it('reports what matched nothing and what leads outside', async () => {
    const selected = await selectFiles(base, {
      paths: ['none/', '../secret', '/etc/passwd', 'b.txt', 'dist/../../x', '/builds/g/p/a.log', '*.none', 'a.log'],
      exclude: ['a.log'],
      alsoKnownAs: ['/builds/g/p'],
    });
    expect(selected.entries.map((entry) => entry.path)).toEqual(['b.txt']);
    expect(selected.unmatched).toEqual(['none/', '/builds/g/p/a.log', '*.none', 'a.log']);
    expect(selected.outside).toEqual(['../secret', '/etc/passwd', 'dist/../../x']);
    expect(selected.totalBytes).toBe(1);
  });

  it('takes links as links and never looks behind them', async () => {
    symlinkSync('/etc', join(base, 'dist/etc'));
    symlinkSync('..', join(base, 'dist/up'));
    const selected = await selectFiles(base, { paths: ['dist/**', 'dist/etc/passwd'], exclude: ['**/*.js*'] });
    expect(selected.entries.map((entry) => `${entry.type} ${entry.path}`)).toEqual([
      'directory dist',
      'symlink dist/etc',
      'directory dist/sub',
      'symlink dist/up',
    ]);
    expect(selected.unmatched).toEqual(['dist/etc/passwd']);
  });

  it('takes .git as all else if it is told to', async () => {
    const { entries } = await selectFiles(base, { paths: ['dist', '.'], exclude: ['**/HEAD'], repositories: 'all' });
    const found = entries.map(({ path }) => path);
    expect(found).toEqual(expect.arrayContaining(['.git/config', 'dist/.git', 'dist/app.js']));
    expect(found).not.toContain('dist/.git/HEAD');
  });

  it('adds untracked files, but none of .git or outside', async () => {
    const selected = await selectFiles(base, {
      paths: [],
      exclude: ['*.log'],
      untracked: ['a.log', 'b.txt', '.git/config', '../x', '/etc/passwd', 'gone', 'dist/app.js'],
    });
    expect(selected.entries.map((entry) => entry.path)).toEqual(['b.txt', 'dist/app.js']);
  });
});
