import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Checked } from '../../src/diagnostics/diagnostic.ts';
import { child, type Node, toValue } from '../../src/syntax/node.ts';
import { parseYaml, type ScalarRules } from '../../src/syntax/parse.ts';

function parse(text: string, rules: ScalarRules = 'yaml-1.1'): Checked<readonly Node[]> {
  return parseYaml('a.yml', text, rules);
}

function only(text: string, rules: ScalarRules = 'yaml-1.1'): Node {
  const { value, diagnostics } = parse(text, rules);
  expect(diagnostics).toEqual([]);
  expect(value).toHaveLength(1);
  return value![0]!;
}

function found(text: string): readonly (readonly [string, string])[] {
  return parse(text).diagnostics.map(({ code, span }) => [code, text.slice(span!.start, span!.end)]);
}

function plain(node: Node): unknown {
  return JSON.parse(JSON.stringify(toValue(node)));
}

describe('parseYaml', () => {
  it('reads maps, lists and scalars of every style', () => {
    const text = `a: 1\nb: 'it''s'\nc: "x\\ty"\nd: |\n  one\n  two\ne: >-\n  one\n  two\nf: [1, {g: yes}]\nh:\n- i\n- j: k\n`;
    expect(plain(only(text))).toEqual({
      a: 1,
      b: "it's",
      c: 'x\ty',
      d: 'one\ntwo\n',
      e: 'one two',
      f: [1, { g: true }],
      h: ['i', { j: 'k' }],
    });
  });

  it('keeps quoted scalars as strings and gives plain ones their Ruby text', () => {
    const node = only(`a: "0755"\nb: 0755\nc: 'yes'\nd: yes\ne: !!str 12\n`);
    expect(plain(node)).toEqual({ a: '0755', b: 493, c: 'yes', d: true, e: '12' });
    const texts = ['a', 'b', 'c', 'd', 'e'].map((key) => (child(node, key) as Node & { text: string }).text);
    expect(texts).toEqual(['0755', '493', 'yes', 'true', '12']);
  });

  it('turns keys into strings as Ruby would', () => {
    expect(Object.keys(plain(only('on: 1\n0755: 2\n1.20: 3\n"yes": 4\n')) as object)).toEqual([
      '493',
      'true',
      '1.2',
      'yes',
    ]);
  });

  it('reads several documents, an empty file, and a file of comments', () => {
    expect(parse('spec: {}\n---\na: 1\n').value?.map(plain)).toEqual([{ spec: {} }, { a: 1 }]);
    expect(parse('').value?.map(plain)).toEqual([null]);
    expect(parse('# nothing\n').value?.map(plain)).toEqual([null]);
  });

  it('reads a byte order mark and Windows line ends', () => {
    expect(plain(only('\ufeffa: 1\r\nb: |\r\n  x\r\n  y\r\n'))).toEqual({ a: 1, b: 'x\ny\n' });
  });

  it('gives an alias the very node of its anchor', () => {
    const node = only('a: &x [1, 2]\nb: *x\n');
    expect(child(node, 'b')).toBe(child(node, 'a'));
  });

  it('takes the latest anchor of a name', () => {
    expect(plain(only('- &x 1\n- *x\n- &x 2\n- *x\n'))).toEqual([1, 1, 2, 2]);
  });

  it.each<readonly [string, ScalarRules]>([
    ['yaml-1.1', 'yaml-1.1'],
    ['yaml-1.2', 'yaml-1.2'],
  ])('merges maps by %s: explicit keys win, earlier sources win', (_, rules) => {
    const text =
      'a: &a {k: 1, l: 1}\nb: &b {l: 2, m: 2}\nc:\n  <<: *a\n  k: 3\nd:\n  <<: [*a, *b]\n  n: 4\ne:\n  <<: {o: 5}\n';
    const node = only(text, rules);
    expect(plain(child(node, 'c')!)).toEqual({ k: 3, l: 1 });
    expect(plain(child(node, 'd')!)).toEqual({ k: 1, l: 1, m: 2, n: 4 });
    expect(plain(child(node, 'e')!)).toEqual({ o: 5 });
  });

  it('lets a later << win over an earlier one where Ruby reads', () => {
    const text = 'a: &a {k: 1}\nb: &b {k: 2}\nc:\n  <<: *a\n  <<: *b\n  l: 3\n';
    expect(plain(child(only(text), 'c')!)).toEqual({ k: 2, l: 3 });
    expect(plain(child(only(text, 'yaml-1.2'), 'c')!)).toEqual({ k: 1, l: 3 });
  });

  it('reads a file with a version directive by the same rules', () => {
    expect(plain(only('%YAML 1.1\n---\na: &a {n: 017}\nb:\n  <<: *a\n  d: 2020-01-01\n  s: .\n'))).toEqual({
      a: { n: 15 },
      b: { n: 15, d: '2020-01-01', s: '.' },
    });
  });

  it('ends a list with an alias at the alias', () => {
    const text = 'a: &a x\nb:\n  - 1\n  - *a\n';
    const { start, end } = child(only(text), 'b')!.span;
    expect(text.slice(start, end)).toBe('- 1\n  - *a');
  });

  it('leaves a quoted << alone', () => {
    expect(plain(only('"<<": 1\n'))).toEqual({ '<<': 1 });
  });

  it('warns when a merge comes after a key that it sets too', () => {
    const text = 'a: &a {k: 1, l: 1}\nb:\n  k: 2\n  <<: *a\n';
    const { value, diagnostics } = parse(text);
    expect(plain(child(value![0], 'b')!)).toEqual({ k: 1, l: 1 });
    expect(diagnostics.map(({ code, severity }) => [code, severity])).toEqual([['syntax/merge-order', 'warning']]);
    expect(parse(text, 'yaml-1.2').diagnostics).toEqual([]);
  });

  it('warns of a duplicate key, keeps its place and takes the last value', () => {
    const text = 'a: 1\nb: 2\na: 3\n';
    const { value, diagnostics } = parse(text);
    expect([...(value![0] as Node & { kind: 'map' }).entries.keys()]).toEqual(['a', 'b']);
    expect(plain(value![0]!)).toEqual({ a: 3, b: 2 });
    expect(diagnostics).toEqual([
      {
        code: 'syntax/duplicate-key',
        severity: 'warning',
        message: 'the key `a` is set twice, in lines 1 and 3; the last one counts',
        span: { file: 'a.yml', start: 10, end: 11 },
        related: [{ message: 'first set here', span: { file: 'a.yml', start: 0, end: 1 } }],
      },
    ]);
  });

  it('reads references, also inside of scripts', () => {
    const node = only('a: !reference [.b, script]\nc:\n  - !reference [.d, 0]\n  - x\n');
    expect(child(node, 'a')).toEqual({
      kind: 'reference',
      path: ['.b', 'script'],
      span: { file: 'a.yml', start: 14, end: 26 },
    });
    expect(plain(node)).toEqual({ a: { '!reference': ['.b', 'script'] }, c: [{ '!reference': ['.d', '0'] }, 'x'] });
  });

  it('keeps the spans of keys and values', () => {
    const text = 'job:\n  script:\n    - make\n  x: [1, 2]  # comment\n  y: "q"\n\n\nnext: 1\n';
    const slices: Record<string, readonly [string, string]> = {};
    const walk = (node: Node): void => {
      if (node.kind !== 'map') return;
      for (const { key, keySpan, value } of node.entries.values()) {
        slices[key] = [text.slice(keySpan.start, keySpan.end), text.slice(value.span.start, value.span.end)];
        walk(value);
      }
    };
    walk(only(text));
    expect(slices).toEqual({
      job: ['job', 'script:\n    - make\n  x: [1, 2]  # comment\n  y: "q"'],
      script: ['script', '- make'],
      x: ['x', '[1, 2]'],
      y: ['y', '"q"'],
      next: ['next', '1'],
    });
  });
});

const referenceMessage = '`!reference` takes a list of names, as in `!reference [job, script]`';

describe('errors of parseYaml', () => {
  it.each<readonly [text: string, code: string, start: number, end: number, message: string]>([
    ['a:\n\tb: 1\n', 'syntax/yaml', 3, 4, 'a tab cannot indent YAML'],
    ['a: b: c\n', 'syntax/yaml', 3, 4, 'a plain value cannot hold `: `'],
    ['a: @x\n', 'syntax/yaml', 3, 4, 'a plain value cannot start with @'],
    ['a: %x\n', 'syntax/yaml', 3, 4, 'a plain value cannot start with %'],
    ['a: {{ x }}\n', 'syntax/bad-key', 4, 9, 'a map or a list cannot be the key of a map'],
    ['a: *x\n', 'syntax/unknown-anchor', 3, 5, 'no anchor `x` comes before this alias'],
    ['a: 1\nb\nc: 2\n', 'syntax/yaml', 5, 6, 'this line has no `:` and so is no key of the map'],
    [
      'a:\n  b: 1\n c: 2\n',
      'syntax/yaml',
      10,
      11,
      'wrong indentation: what belongs together starts in the same column',
    ],
    ['a: "x\nb: 1\n', 'syntax/yaml', 3, 4, 'the quote that opens here is never closed'],
    ["a: 1\nb: ['x, y]\n", 'syntax/yaml', 9, 10, 'the quote that opens here is never closed'],
    ['a: [1, 2\nb: 1\n', 'syntax/yaml', 3, 4, 'the bracket that opens here is never closed'],
    ["a: 'it's'\n", 'syntax/yaml', 7, 9, 'unexpected text after the value'],
    ['a: { b: $[[ x ]], c: 1 }\nd: 1\ne: 2\n', 'syntax/yaml', 9, 10, 'the value ends before this `[`'],
    ['a: "x" {y}\nb: 1\n', 'syntax/yaml', 7, 8, 'the value ends before this `{`'],
    ['a: { b: [c]] }\n', 'syntax/yaml', 11, 12, 'nothing is open that this `]` would close'],
    ['a: { b: c }}\n', 'syntax/yaml', 11, 12, 'nothing is open that this `}` would close'],
    ['a: - b\n', 'syntax/yaml', 3, 4, 'a list cannot start on the line of its key'],
    ['a: "\\d"\n', 'syntax/yaml', 4, 5, 'unknown escape in a double-quoted value'],
    ['&a [*a]', 'syntax/alias-cycle', 4, 6, 'the alias `*a` stands inside its own anchor'],
    ['a: &a\n  <<: *a\n', 'syntax/alias-cycle', 12, 14, 'the alias `*a` stands inside its own anchor'],
    ['a: !reference x\n', 'syntax/bad-reference', 14, 15, referenceMessage],
    ['a: !reference []\n', 'syntax/bad-reference', 14, 16, referenceMessage],
    ['<<: 1\n', 'syntax/bad-merge', 0, 2, '`<<` merges a map or a list of maps, and this is neither'],
  ])('%j', (text, code, start, end, message) => {
    const { value, diagnostics } = parse(text);
    expect(value).toBeUndefined();
    expect(diagnostics).toMatchObject([{ code, severity: 'error', message, span: { file: 'a.yml', start, end } }]);
  });

  it('hints at what to write', () => {
    const hints = ['a:\n\tb: 1\n', 'a: @x\n', 'a: b: c\n', 'a: {{ x }}\n'].map(
      (text) => parse(text).diagnostics[0]?.hint,
    );
    expect(hints).toEqual([
      'indent with spaces',
      'put the value in quotes',
      'put the value in quotes',
      'quote a value that starts with `{`',
    ]);
  });

  it('warns of unknown tags and keeps the value', () => {
    const { value, diagnostics } = parse('a: !join [1]\nb: !!binary aGk=\n');
    expect(plain(value![0]!)).toEqual({ a: [1], b: 'aGk=' });
    expect(diagnostics.map(({ code, severity }) => [code, severity])).toEqual([
      ['syntax/unknown-tag', 'warning'],
      ['syntax/unknown-tag', 'warning'],
    ]);
  });

  it('tells one error a line, of several lines', () => {
    expect(found('a: @x\nb: ok\nc: `y\n').map(([code]) => code)).toEqual(['syntax/yaml', 'syntax/yaml']);
  });

  it('never throws, whatever the text', () => {
    const word = fc.constantFrom(
      ...['a', 'b:', ': ', '- ', '\n', '  ', '\t', '[', ']', '{', '}', '"', "'", '|', '>-', '&x ', '*x', '<<: '],
      ...['!reference ', '---\n', '...\n', '#', '%', '@', ',', '? ', '\r\n', '\ufeff', '\0', '0755', 'null'],
    );
    const texts = fc.oneof(
      fc.array(word, { maxLength: 40 }).map((words) => words.join('')),
      fc.string({ maxLength: 200 }),
    );
    fc.assert(
      fc.property(texts, fc.constantFrom<ScalarRules>('yaml-1.1', 'yaml-1.2'), (text, rules) => {
        const { value, diagnostics } = parse(text, rules);
        expect(value === undefined).toBe(diagnostics.some(({ severity }) => severity === 'error'));
        for (const { span } of diagnostics) {
          expect(span!.start).toBeGreaterThanOrEqual(0);
          expect(span!.end).toBeGreaterThanOrEqual(span!.start);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
