import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readLocalFiles } from '../../src/sources/local-files.ts';
import { matchWildcardPath } from '../../src/sources/wildcard-path.ts';

let folder: string;
let root: string;

function write(path: string, text = path): void {
  const full = join(folder, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, text);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'local-files-'));
  root = join(folder, 'project');
  write('secret.yml', 'token: hidden');
  write('project/a.yml');
  write('project/ci/b.yml');
  write('project/ci/deep/c.yml');
  write('project/ci/deep/d.yaml');
  write('project/.git/config.yml', 'token: hidden');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function paths(pattern: string): Promise<readonly string[]> {
  const { value, diagnostics } = await readLocalFiles(root, pattern);
  return [...(value ?? []).map((file) => file.path), ...diagnostics.map(({ code }) => code)];
}

describe('readLocalFiles', () => {
  it('reads one file, from the root of the project with or without a slash', async () => {
    const { value } = await readLocalFiles(root, '/ci/b.yml');
    expect(value).toEqual([{ path: 'ci/b.yml', text: 'project/ci/b.yml' }]);
    expect(await paths('ci/b.yml')).toEqual(['ci/b.yml']);
    expect(await paths('./ci/b.yml')).toEqual(['ci/b.yml']);
  });

  it('finds nothing where nothing is', async () => {
    expect(await paths('ci/none.yml')).toEqual([]);
    expect(await paths('ci')).toEqual([]);
    expect(await paths('none/*.yml')).toEqual([]);
  });

  it('expands wildcards as GitLab does, sorted', async () => {
    expect(await paths('ci/*.yml')).toEqual(['ci/b.yml']);
    expect(await paths('ci/**.yml')).toEqual(['ci/b.yml', 'ci/deep/c.yml']);
    expect(await paths('ci/**/*.yml')).toEqual(['ci/deep/c.yml']);
    expect(await paths('**.yml')).toEqual(['a.yml', 'ci/b.yml', 'ci/deep/c.yml']);
  });

  it('refuses what lies outside of the project or in .git', async () => {
    symlinkSync(join(folder, 'secret.yml'), join(root, 'link.yml'));
    symlinkSync(folder, join(root, 'up'));
    symlinkSync('.git/config.yml', join(root, 'git-link.yml'));
    const hostile = [
      '../secret.yml',
      'ci/../../secret.yml',
      '/../secret.yml',
      '../*.yml',
      '.git/config.yml',
      '.GIT/config.yml',
      '.git/*.yml',
      'ci/../.git/config.yml',
      'link.yml',
      'up/secret.yml',
      'git-link.yml',
      'C:/secret.yml',
      '..\\secret.yml',
      'a\0.yml',
    ];
    for (const path of hostile) expect([path, await paths(path)]).toEqual([path, ['gitlab/include-outside']]);
    expect(await paths(join(folder, 'secret.yml'))).toEqual([]);
    expect(await paths('up/*.yml')).toEqual([]);
    expect(await paths('*.yml')).toEqual(['a.yml']);
  });

  it('follows links that stay inside, and survives loops', async () => {
    symlinkSync('ci/b.yml', join(root, 'inside.yml'));
    symlinkSync('loop.yml', join(root, 'loop.yml'));
    symlinkSync('.', join(root, 'ci', 'again'));
    expect(await paths('inside.yml')).toEqual(['inside.yml']);
    expect(await paths('loop.yml')).toEqual([]);
    expect(await paths('ci/**.yml')).toEqual(['ci/b.yml', 'ci/deep/c.yml']);
  });
});

describe('matchWildcardPath', () => {
  it('takes time in proportion to path and pattern', () => {
    expect(matchWildcardPath(`${'**a'.repeat(200)}b`, 'a'.repeat(3000))).toBe(false);
    expect(matchWildcardPath('**'.repeat(200), 'a'.repeat(3000))).toBe(true);
  });

  it.each([
    ['*.yml', 'a.yml', true],
    ['*.yml', 'a/b.yml', false],
    ['a/**/*.yml', 'a/b/c/d.yml', true],
    ['a/***.yml', 'a/b/c.yml', true],
    ['a.yml', 'axyml', false],
    ['[ab].yml', 'a.yml', false],
  ])('%s on %s is %s', (pattern, path, expected) => {
    expect(matchWildcardPath(pattern, path)).toBe(expected);
  });
});
