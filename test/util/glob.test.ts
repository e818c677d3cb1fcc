import { describe, expect, it } from 'vitest';
import { compileGlob, type GlobDialect, globProblem, staticPrefix } from '../../src/util/glob.ts';

type Row = readonly [pattern: string, path: string, expected: boolean];

const both: readonly Row[] = [
  ['a', 'a', true],
  ['a', 'a/b', false],
  ['a/b', 'a/b', true],
  ['*.ts', 'x.ts', true],
  ['*.ts', 'a/x.ts', false],
  ['*', '.env', true],
  ['a/*', 'a/.env', true],
  ['a/*', 'a/b/c', false],
  ['**/*.ts', 'x.ts', true],
  ['**/*.ts', 'a/b/c/x.ts', true],
  ['**/*.ts', '.hidden/x.ts', true],
  ['a/**/z', 'a/z', true],
  ['a/**/z', 'a/b/c/z', true],
  ['a/**/z', 'a/bz', false],
  ['a/**/b/**/z', 'a/b/z', true],
  ['a/**/b/**/z', 'a/1/b/2/3/z', true],
  ['a/**/b/**/z', 'a/1/2/z', false],
  ['a/**/*', 'a/b', true],
  ['a/**/*', 'a/b/c', true],
  ['a/**/*', 'a', false],
  ['a**b', 'axxb', true],
  ['a**b', 'a/b', false],
  ['?.md', 'é.md', true],
  ['?.md', '😀.md', true],
  ['?.md', 'ab.md', false],
  ['a?b', 'a/b', false],
  ['[abc].x', 'b.x', true],
  ['[a-c].x', 'd.x', false],
  ['[!a-c].x', 'd.x', true],
  ['[^a-c].x', 'a.x', false],
  ['[a\\-c]', '-', true],
  ['[a\\-c]', 'b', false],
  ['a[!x]b', 'a/b', false],
  ['[abc', '[abc', false],
  ['\\*', '*', true],
  ['\\*', 'a', false],
  ['\\{a,b\\}', '{a,b}', true],
  ['{a,b}.c', 'a.c', true],
  ['{a,b}.c', 'b.c', true],
  ['{a,b}.c', 'c.c', false],
  ['{a,b/{c,d}}/x', 'b/d/x', true],
  ['{a,b/{c,d}}/x', 'b/x', false],
  ['docs/**/*.{rb,py,sh}', 'docs/deep/er/a.py', true],
  ['docs/**/*.{rb,py,sh}', 'docs/a.js', false],
  ['{,x}y', 'y', true],
  ['*a*b*c', 'xxaxxbxxc', true],
  ['*a*b*c', 'xxaxxbxx', false],
  ['*ab', 'aab', true],
  ['Dockerfile', 'dockerfile', false],
  ['a b/*', 'a b/c', true],
];

const fnmatch: readonly Row[] = [
  ['docs/**', 'docs/a', true],
  ['docs/**', 'docs/a/b', false],
  ['**', 'a', true],
  ['**', 'a/b', false],
  ['./a', 'a', false],
  ['{a', '{a', true],
];

const doublestar: readonly Row[] = [
  ['docs/**', 'docs/a', true],
  ['docs/**', 'docs/a/b/c', true],
  ['docs/**', 'docs', true],
  ['docs/**', 'docsx', false],
  ['**', 'a/b/c', true],
  ['./dist/*', 'dist/a', true],
  ['dist//*', 'dist/a', true],
  ['dist/', 'dist', true],
  ['dist/./a', 'dist/a', true],
];

describe.each<GlobDialect>(['fnmatch', 'doublestar'])('%s', (dialect) => {
  it.each([...both, ...(dialect === 'fnmatch' ? fnmatch : doublestar)])('%s on %s: %s', (pattern, path, expected) => {
    expect(compileGlob(pattern, { dialect })(path)).toBe(expected);
  });

  it('stays fast on evil patterns', () => {
    const path = `${'a'.repeat(20_000)}/${'a/'.repeat(10_000)}b`;
    for (const pattern of [
      '*a'.repeat(200),
      '**/a/'.repeat(200) + 'x',
      '**/*a*a*a*a*a*a*x',
      '[a-a]*'.repeat(100) + 'x',
    ]) {
      expect(compileGlob(pattern, { dialect })(path)).toBe(false);
    }
  }, 5000);

  it('matches nothing where a pattern is refused', () => {
    expect(compileGlob('{a,b}'.repeat(30), { dialect })('a'.repeat(30))).toBe(false);
    expect(compileGlob('a'.repeat(5000), { dialect })('a'.repeat(5000))).toBe(false);
  });
});

it.each([
  ['a'.repeat(4097), 'longer'],
  ['{'.repeat(11) + 'a' + '}'.repeat(11), 'nested'],
  ['{a,b}'.repeat(10), 'more than 1000'],
])('refuses %s', (pattern, part) => {
  expect(globProblem(pattern)).toContain(part);
});

it.each(['a', '{a,b}'.repeat(9), '{{{{a}}}}', '{a', 'a}'])('takes %s', (pattern) => {
  expect(globProblem(pattern)).toBeUndefined();
});

it.each([
  ['src/a/*.ts', 'src/a'],
  ['*.ts', ''],
  ['dist/', 'dist'],
  ['dist/app.js', 'dist/app.js'],
  ['./a/b', 'a/b'],
  ['a/{b,c}/d', 'a'],
  ['a/**', 'a'],
  ['a\\*/b?', 'a*'],
  ['', ''],
])('static prefix of %s is %s', (pattern, expected) => {
  expect(staticPrefix(pattern)).toBe(expected);
});
