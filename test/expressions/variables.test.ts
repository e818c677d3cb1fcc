import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ExpandOptions, expandVariables, referencedVariables } from '../../src/expressions/expand-variables.ts';
import { mergeVariables, uniqueVariables } from '../../src/expressions/merge-variables.ts';
import { sortAndExpand } from '../../src/expressions/sort-and-expand.ts';
import type { Variable } from '../../src/model/variable.ts';

const known: Readonly<Record<string, string>> = { A: 'a', B: 'b $A', EMPTY: '', _x1: 'x' };
const lookup = (name: string): string | undefined => (Object.hasOwn(known, name) ? known[name] : undefined);

type Row = readonly [text: string, expected: string, options?: ExpandOptions];

function withOptions(rows: readonly Row[]): (readonly [string, string, ExpandOptions | undefined])[] {
  return rows.map(([text, expected, options]) => [text, expected, options]);
}

describe('expandVariables', () => {
  it.each<readonly [string, string, ExpandOptions | undefined]>(
    withOptions([
      ['plain', 'plain'],
      ['$A', 'a'],
      ['${A}', 'a'],
      ['$A$A', 'aa'],
      ['$A-$_x1', 'a-x'],
      ['$AB', ''],
      ['${A}B', 'aB'],
      ['$B', 'b $A'],
      ['[$EMPTY]', '[]'],
      ['[$UNKNOWN]', '[]'],
      ['[$UNKNOWN ${UNKNOWN}]', '[$UNKNOWN ${UNKNOWN}]', { unknown: 'keep' }],
      ['$$A', '$A'],
      ['$$$A', '$a'],
      ['$$A', '$$A', { dollars: 'keep' }],
      ['$1 $ ${ ${A $}', '$1 $ ${ ${A $}'],
      ['${A:-x}', '${A:-x}'],
      ['%A%', '%A%'],
      ['$constructor', ''],
      ['cost: 5$', 'cost: 5$'],
    ]),
  )('%s gives %s', (text, expected, options) => {
    expect(expandVariables(text, lookup, options)).toBe(expected);
  });

  it('finds the references', () => {
    expect(referencedVariables('$A ${B} $$C $A')).toEqual(['A', 'B']);
  });
});

type Written = Readonly<Record<string, string | Omit<Variable, 'name'>>>;

function list(written: Written): readonly Variable[] {
  return Object.entries(written).map(([name, value]) =>
    typeof value === 'string' ? { name, value } : { name, ...value },
  );
}

function values(variables: readonly Variable[]): Readonly<Record<string, string>> {
  return Object.fromEntries(variables.map(({ name, value }) => [name, value]));
}

describe('expandVariables', () => {
  it.each([
    ['a$1b$*$#$@$!$?$-$0', 'ab'],
    ['$12', '2'],
    ['${A:-x}|${*}|${}|${1}', '|||'],
    ['${A', 'A'],
    ['$$1 $${A} ${$}', '$1 ${A} $'],
    ['$A$(A)$ $', 'v$(A)$ $'],
    ['${A}${B}', 'v'],
  ])('drops of %j what only shells know, where that is wanted: %j', (text, expected) => {
    const lookup = (name: string) => (name === 'A' ? 'v' : undefined);
    expect(expandVariables(text, lookup, { shell: 'empty' })).toBe(expected);
  });
});

describe('sortAndExpand', () => {
  const raw = (value: string) => ({ value, raw: true });
  const file = (value: string) => ({ value, file: true });

  it.each<readonly [string, Written, Readonly<Record<string, string>>]>([
    ['one level', { A: 'a', B: '$A!' }, { A: 'a', B: 'a!' }],
    ['against the order', { C: '$B', B: '$A', A: 'a' }, { C: 'a', B: 'a', A: 'a' }],
    ['unknown', { A: '[$NOPE]' }, { A: '[]' }],
    ['itself', { A: '$A:x' }, { A: '$A:x' }],
    ['a cycle', { A: '$B', B: '$A' }, { A: '$B', B: '$A' }],
    [
      'a cycle of three and one that looks at it',
      { A: '$B', B: '$C', C: '$A', D: '<$A>' },
      { A: '$B', B: '$C', C: '$A', D: '<$B>' },
    ],
    ['dollars', { A: '$$B', B: 'b' }, { A: '$B', B: 'b' }],
    ['raw', { A: raw('$B'), B: 'b', C: '$A' }, { A: '$B', B: 'b', C: '$B' }],
    ['a file', { F: file('secret $A'), A: 'a', C: 'at $F' }, { F: 'secret $A', A: 'a', C: 'at /tmp/F' }],
  ])('final: %s', (_, written, expected) => {
    const result = sortAndExpand(list(written), { filePath: (name) => `/tmp/${name}` });
    expect(values(result)).toEqual(expected);
    expect(result.every((variable) => variable.raw)).toBe(true);
  });

  it.each<readonly [string, Written, Readonly<Record<string, string>>]>([
    ['levels', { C: '$B', B: '$A', A: 'a' }, { C: 'a', B: 'a', A: 'a' }],
    ['a cycle', { A: '$B', B: '$A', C: '<$A>' }, { A: '$B', B: '$A', C: '<$A>' }],
    ['unknown', { A: '[$NOPE]' }, { A: '[$NOPE]' }],
    ['dollars', { A: '$$B', B: 'b' }, { A: '$$B', B: 'b' }],
    ['raw', { A: raw('$B'), B: 'b', C: '$A' }, { A: '$B', B: 'b', C: '$A' }],
    ['a file', { F: file('secret'), C: 'at ${F}x' }, { F: 'secret', C: 'at ${F}x' }],
  ])('server: %s', (_, written, expected) => {
    expect(values(sortAndExpand(list(written), { as: 'server' }))).toEqual(expected);
  });

  it('keeps flags and order', () => {
    const result = sortAndExpand(
      [
        { name: 'B', value: '$A', masked: true },
        { name: 'A', value: '1' },
        { name: 'A', value: '2' },
      ],
      { as: 'server' },
    );
    expect(result).toEqual([
      { name: 'B', value: '2', masked: true },
      { name: 'A', value: '2' },
    ]);
  });

  it('takes a chain of 20,000', () => {
    const chain = Array.from({ length: 20_000 }, (_, i) => ({
      name: `V${i}`,
      value: i === 19_999 ? 'end' : `$V${i + 1}`,
    }));
    expect(sortAndExpand(chain)[0]?.value).toBe('end');
  });

  it('is idempotent once final, and never throws', () => {
    const value = fc
      .array(fc.constantFrom('$A', '${B}', '$C', '$$', '$', 'x', '$NOPE'), { maxLength: 4 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.record({ A: value, B: value, C: value }), (written) => {
        const once = sortAndExpand(list(written));
        expect(sortAndExpand(once)).toEqual(once);
      }),
    );
  });
});

describe('merging', () => {
  it('lets dotenv stand between, literally', () => {
    const merged = mergeVariables(
      { belowDotenv: list({ A: 'job', B: 'job', C: 'job' }), aboveDotenv: list({ C: 'cli' }) },
      list({ B: '$A', C: 'env', D: 'env' }),
    );
    expect(merged).toEqual([
      { name: 'A', value: 'job' },
      { name: 'B', value: '$A', raw: true },
      { name: 'C', value: 'cli' },
      { name: 'D', value: 'env', raw: true },
    ]);
  });

  it('takes flags of the winner only', () => {
    expect(uniqueVariables([{ name: 'A', value: '1', masked: true }], [{ name: 'A', value: '2' }])).toEqual([
      { name: 'A', value: '2' },
    ]);
  });
});
