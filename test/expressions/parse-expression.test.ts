import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExpression } from '../../src/expressions/parse-expression.ts';
import { cpuTimer } from '../support/cpu-timer.ts';

const mistakes: readonly (readonly [text: string, at: string, message: RegExp])[] = [
  ['', '', /empty/],
  ['   ', '   ', /empty/],
  ['${NAME} == "x"', '${NAME}', /not allowed/],
  ['$NAME == "x', '"x', /no closing "/],
  ["$NAME == 'x", "'x", /no closing '/],
  ['$NAME = "x"', '=', /`=` is no operator/],
  ['!$NAME', '!', /`!` is no operator/],
  ['$A & $B', '&', /`&` is no operator/],
  ['$A | $B', '|', /`\|` is no operator/],
  ['$', '$', /not followed by a name/],
  ['$A == main', 'main', /`main` is not known/],
  ['$A == 1', '1', /`1` is not known/],
  ['nullx', 'x', /`x` is not known/],
  ['truex', 'truex', /`truex` is not known/],
  ['$A =~ /a/', '/', /no regular expression/],
  ['$A =~ //', '/', /no regular expression/],
  ['$A =~ /ab', '/', /no regular expression/],
  ['$A =~ /ab\\/', '/', /no regular expression/],
  ['$A =~ /a(b/', '/a(b/', /not valid/],
  ['$A =~ /(?=ab)/', '/(?=ab)/', /not valid/],
  ['$A =~ /ab/x', 'x', /`x` is not known/],
  ['$A $B', '$B', /no operator before/],
  ['$A "b"', '"b"', /no operator before/],
  ['$A ==', '==', /missing after `==`/],
  ['&& $A', '&&', /nothing on its left/],
  ['$A && || $B', '||', /nothing on its left/],
  ['($A', '(', /never closed/],
  ['$A)', ')', /closes nothing/],
  ['()', ')', /nothing on its left/],
  ['($A $B)', '$B', /no operator before/],
  ['$A == "x" and $B', 'and', /`and` is not known/],
  ['$A == "a\nb"', '"a\nb"', /no closing "/],
];

describe('mistakes', () => {
  it.each(mistakes)('%j', (text, at, message) => {
    const parsed = parseExpression(text);
    expect(parsed.ok).toBe(false);
    if (parsed.ok) return;
    expect(parsed.error.message).toMatch(message);
    expect(text.slice(parsed.error.start, parsed.error.end)).toBe(at);
  });
});

describe('tokens', () => {
  const sum = (count: number) => Array.from({ length: count }, () => '$A').join(' && ');
  it('takes 99', () => expect(parseExpression(sum(50)).ok).toBe(true));
  it('refuses more', () => {
    const parsed = parseExpression(sum(51));
    expect(!parsed.ok && parsed.error.message).toMatch(/more than 99 parts/);
  });
});

describe('the tree', () => {
  const shape = (text: string): unknown => {
    const parsed = parseExpression(text);
    if (!parsed.ok) throw new Error(parsed.error.message);
    const walk = (node: typeof parsed.value): unknown =>
      node.kind === 'logical' || node.kind === 'comparison'
        ? [walk(node.left), node.operator, walk(node.right)]
        : text.slice(node.start, node.end);
    return walk(parsed.value);
  };

  it.each([
    ['$A || $B && $C', ['$A', '||', ['$B', '&&', '$C']]],
    ['$A && $B || $C', [['$A', '&&', '$B'], '||', '$C']],
    ['$A || $B || $C', [['$A', '||', '$B'], '||', '$C']],
    ['$A == $B != $C', [['$A', '==', '$B'], '!=', '$C']],
    ['($A || $B) && $C', [['$A', '||', '$B'], '&&', '$C']],
    ['$A =~ /a\\/b/i && "x"', [['$A', '=~', '/a\\/b/i'], '&&', '"x"']],
    ['(($A))', '(($A))'],
  ])('%s', (text, expected) => expect(shape(text)).toEqual(expected));

  it('keeps a pattern without its slashes and escapes', () => {
    const parsed = parseExpression('$A =~ /a\\/b\\.c/is');
    expect(parsed.ok && parsed.value.kind === 'comparison' && parsed.value.right).toMatchObject({
      kind: 'pattern',
      source: 'a/b\\.c',
      flags: 'is',
    });
  });
});

describe('robustness', () => {
  const pieces = [
    '$A',
    '${A}',
    '"x"',
    "'",
    '/ab/',
    '/',
    '\\',
    '(',
    ')',
    '==',
    '=~',
    '!',
    '&&',
    '||',
    'null',
    'true',
    ' ',
    '\n',
    '$[[ inputs.x ]]',
    '$',
    'é',
  ];

  it('never throws, and errors lie inside of the text', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const parsed = parseExpression(text);
        if (parsed.ok) return;
        const { start, end } = parsed.error;
        expect(start).toBeLessThanOrEqual(end);
        expect(start).toBeGreaterThanOrEqual(0);
        expect(end).toBeLessThanOrEqual(text.length);
      }),
      { numRuns: 500 },
    );
  });

  it.each(['(', '/', '"', '\\', '$[[ ', '/\\/', ' ', '$A ', '${', '/a', '!'])('reads 100 KB of %j quickly', (piece) => {
    const text = piece.repeat(Math.ceil(100_000 / piece.length));
    const spentMs = cpuTimer();
    parseExpression(text);
    parseExpression(`$A =~ /${text}`);
    expect(spentMs()).toBeLessThan(1000);
  });
});
