import { describe, expect, it } from 'vitest';
import {
  compileUserRegex,
  matchCoverage,
  memoisedCompileRegex,
  splitPattern,
} from '../../src/expressions/user-regex.ts';
import { cpuTimer } from '../support/cpu-timer.ts';

describe('coverage', () => {
  it.each<readonly [string, string, number | undefined]>([
    ['Total: (\\d+\\.\\d+)%', 'Total: 10.5%\nTotal: 87.25%\ndone', 87.25],
    ['\\d+%', 'lines 40%, branches 55%', 55],
    ['All files\\s*\\|\\s*([\\d.]+)', 'All files | 91.3 | 80\r\n', 91.3],
    ['coverage: \\d+', 'coverage: 12\nother 99', 12],
    ['(\\w+) coverage', 'no coverage\n12 coverage\nfull coverage', 12],
    ['x', 'y', undefined],
    ['(', '12', undefined],
    ['(?i)TOTAL.*?(\\d+)', 'total 7', 7],
    ['\\d+', '', undefined],
  ])('/%s/ in %j is %s', (pattern, text, expected) => {
    expect(matchCoverage(pattern, text)).toBe(expected);
  });

  it('is linear in the log', () => {
    const spentMs = cpuTimer();
    expect(matchCoverage('(a+)+%', `${'a'.repeat(1000)}\n`.repeat(1000))).toBeUndefined();
    expect(spentMs()).toBeLessThan(3000);
  });
});

it.each([
  ['/ab/', { source: 'ab', flags: '' }],
  ['/a\\/b/is', { source: 'a/b', flags: 'is' }],
  ['//', { source: '', flags: '' }],
  ['/a/b/', { source: 'a/b', flags: '' }],
  ['/ab/x', undefined],
  ['ab', undefined],
  ['/', undefined],
  ['', undefined],
])('splits %s', (text, expected) => expect(splitPattern(text)).toEqual(expected));

it('tells why a regular expression is refused', () => {
  expect(compileUserRegex('a(?!b)')).toMatchObject({ kind: 'invalid', message: expect.stringContaining('(?!') });
  expect(compileUserRegex('a{1001}')).toMatchObject({ kind: 'invalid' });
});

it('gives groups that took no part as undefined', () => {
  const regex = compileUserRegex('(a)|(b)');
  expect(regex.kind === 'regex' && regex.matches('ab')).toEqual([
    ['a', 'a', undefined],
    ['b', undefined, 'b'],
  ]);
});

it('compiles the same text once', () => {
  const compile = memoisedCompileRegex();
  expect(compile('a+', 'i')).toBe(compile('a+', 'i'));
  expect(compile('a+')).not.toBe(compile('a+', 'i'));
});
