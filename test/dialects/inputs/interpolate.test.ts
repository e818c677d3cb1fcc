import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '../../../src/diagnostics/diagnostic.ts';
import { plainNode } from '../../../src/dialects/gitlab/inputs/plain-node.ts';
import { findBlocks } from '../../../src/dialects/gitlab/interpolation/find-blocks.ts';
import { interpolate } from '../../../src/dialects/gitlab/interpolation/interpolate.ts';
import { type Node, toValue } from '../../../src/syntax/node.ts';
import { parseYaml } from '../../../src/syntax/parse.ts';
import { cpuTimer } from '../../support/cpu-timer.ts';

const span = { file: 'inputs', start: 0, end: 0 };

interface Filled {
  readonly node: Node | undefined;
  readonly value: unknown;
  readonly diagnostics: readonly Diagnostic[];
  readonly pointedAt: readonly (string | undefined)[];
}

function fill(
  text: string,
  inputs: Readonly<Record<string, unknown>>,
  variables: Readonly<Record<string, string>> = {},
): Filled {
  const content = parseYaml('file', text, 'yaml-1.1').value![0]!;
  return fillNode(content, text, inputs, variables);
}

function fillNode(
  content: Node,
  source: string,
  inputs: Readonly<Record<string, unknown>>,
  variables: Readonly<Record<string, string>> = {},
): Filled {
  const diagnostics: Diagnostic[] = [];
  const node = interpolate(content, {
    roots: {
      inputs: new Map(Object.entries(inputs).map(([name, value]) => [name, plainNode(value, span)!])),
      component: new Map([['name', plainNode('tool', span)!]]),
    },
    variable: (name) =>
      name === 'SECRET'
        ? { value: 'hidden', masked: true }
        : variables[name] === undefined
          ? undefined
          : { value: variables[name] },
    source,
    report: (diagnostic) => void diagnostics.push(diagnostic),
    related: [],
  });
  return {
    node,
    value: node && JSON.parse(JSON.stringify(toValue(node))),
    diagnostics,
    pointedAt: diagnostics.map(
      (diagnostic) => diagnostic.span && source.slice(diagnostic.span.start, diagnostic.span.end),
    ),
  };
}

/** The value of one scalar with one input `x`. */
function filled(text: string, x: unknown, variables?: Readonly<Record<string, string>>): unknown {
  return (fill(`k: ${text}\n`, { x }, variables).value as { readonly k: unknown } | undefined)?.k;
}

describe('the blocks of a text', () => {
  it.each<[string, readonly string[]]>([
    ['$[[ inputs.a ]]', ['inputs.a']],
    ['$[[inputs.a]]', ['inputs.a']],
    ['a $[[ inputs.a ]] b $[[ inputs.b | truncate(0,1) ]]', ['inputs.a', 'inputs.b | truncate(0,1)']],
    ['$[[ inputs.list[0] ]]', ['inputs.list[0]']],
    ['$[[\n  inputs.a\n]]', ['inputs.a']],
    ['$[[ inputs\n.a ]]', []],
    ['$[[ a ]] b ]]', ['a ]] b']],
    ['$[[ ]] $[ [ x ]] $[[ open', [']] $[ [ x']],
    ['$[[ x]] $[[ open', []],
    ['$[[ $[[ inputs.a ]]', ['$[[ inputs.a']],
    ['$[[ no\n $[[ inputs.a ]]', ['inputs.a']],
    ['$$[[ inputs.a ]]', ['inputs.a']],
  ])('%j has %j', (text, data) => {
    const blocks = findBlocks(text);
    expect(blocks.map((block) => block.data)).toEqual(data);
    for (const { start, end, data: inside, dataStart } of blocks) {
      expect(text.slice(start, start + 3) + text.slice(end - 2, end)).toBe('$[[]]');
      expect(text.slice(dataStart, dataStart + inside.length)).toBe(inside);
    }
  });

  it('are those of the pattern that GitLab uses', () => {
    const pieces = ['$[[', ']]', ' ', '\n', 'a', 'bc', ']', '|', '$', '[['];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 14 }), (parts) => {
        const text = parts.join('');
        const expected = [...text.matchAll(/\$\[\[\s*(\S[^\n]*?\S)\s*\]\]/g)].map((match) => [
          match.index,
          match[0],
          match[1],
        ]);
        expect(findBlocks(text).map(({ start, end, data }) => [start, text.slice(start, end), data])).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    '$[['.repeat(300_000),
    '$[[ a\n'.repeat(150_000),
    `$[[ a${' '.repeat(900_000)}`,
    `${'$[[\n'.repeat(200_000)}]]`,
  ])('take time in step with the text (%#)', (text) => {
    const spentMs = cpuTimer();
    findBlocks(text);
    expect(spentMs()).toBeLessThan(2_000);
  });
});

describe('interpolation', () => {
  it.each<[string, unknown, unknown]>([
    ['$[[ inputs.x ]]', 3, 3],
    ['$[[ inputs.x ]]', true, true],
    ['"$[[ inputs.x ]]"', 3, 3],
    ['$[[ inputs.x ]]', '3', '3'],
    ['$[[ inputs.x ]]', 'yes: no', 'yes: no'],
    ['$[[ inputs.x ]]', ['a', { b: 1 }], ['a', { b: 1 }]],
    ['" $[[ inputs.x ]]"', 3, ' 3'],
    ['n=$[[ inputs.x ]]', 3, 'n=3'],
    ['$[[ inputs.x ]]$[[ inputs.x ]]', 3, '33'],
    ['n=$[[ inputs.x ]]', null, 'n='],
    ['n=$[[ inputs.x ]]', ['a"', 1, true, null], 'n=["a\\"", 1, true, nil]'],
    ['n=$[[ inputs.x ]]', [{ if: '$A', 'b-c': [] }], 'n=[{:if=>"$A", :"b-c"=>[]}]'],
    ['n=$[[ inputs.x[1] ]]', ['a', 'b'], 'n=b'],
    ['$[[ inputs.x[0].key ]]', [{ key: false }], false],
    ['$[[ inputs.x[1][0] ]]', [['a'], ['b']], 'b'],
    ['$[[ inputs.x.a.b ]]', { a: { b: 'deep' } }, 'deep'],
    ['$[[ component.name ]]', 1, 'tool'],
    ['$[[ matrix.x ]]-$[[ inputs.x ]]', 1, '$[[ matrix.x ]]-1'],
    ['$[[ inputs.x | expand_vars ]]', 'a $V ${V} %V% $NONE $$V', 'a v v v $NONE $v'],
    ['$[[ inputs.x | truncate(1,2) ]]', 'abcd', 'bc'],
    ['$[[ inputs.x | truncate( 1 , 99 ) ]]', 'a😀b', '😀b'],
    ['$[[ inputs.x | truncate(9,1) ]]', 'abc', ''],
    ['$[[ inputs.x | posix_escape ]]', `a b'c"d$e\n;é_-.,:+/@`, `a\\ b\\'c\\"d\\$e'\n'\\;\\é_-.,:+/@`],
    ['$[[ inputs.x | posix_quote ]]', '', "''"],
    ["$[[ inputs.x | split(',') ]]", 'a, b,,c', ['a', 'b', 'c']],
    ["$[[ inputs.x | split(' ') ]]", ' a  b\tc', ['a', 'b', 'c']],
    ["$[[ inputs.x | split(',') ]]", '', []],
    ['$[[ inputs.x | expand_vars | truncate(0,3) | posix_escape ]]', '$V$V;', 'vv\\;'],
    ['$[[inputs.x|truncate(0,1)]]', 'ab', 'a'],
  ])('fills %s of %j as %j', (text, x, expected) => {
    expect(filled(text, x, { V: 'v' })).toEqual(expected);
  });

  it('fills keys, lists, references and anchors', () => {
    const text = 'a$[[ inputs.x ]]: &a [1, "$[[ inputs.x ]]"]\nb: *a\nc: !reference [".$[[ inputs.x ]]", script]\n';
    const { value } = fill(text, { x: 'X' });
    expect(value).toEqual({ aX: [1, 'X'], b: [1, 'X'], c: { '!reference': ['.X', 'script'] } });
  });

  it('lets one node stay one node', () => {
    const { node } = fill('a: &a ["$[[ inputs.x ]]"]\nb: *a\n', { x: 1 });
    const values = node?.kind === 'map' ? [...node.entries.values()].map(({ value }) => value) : [];
    expect(values[0]).toBe(values[1]);
  });

  it.each<[string, unknown, string]>([
    ['$[[ inputs.y ]]', 1, 'there is no input `y`'],
    ['$[[ inputs ]]', 1, 'names no value'],
    ['$[[ input.x ]]', 1, '`input` is not known here'],
    ['$[[ component.sha ]]', 1, '`component.sha` leads nowhere'],
    ['$[[ inputs.x.y ]]', 'a', '`inputs.x.y` leads nowhere'],
    ['$[[ inputs.x[0] ]]', 'a', 'is no list'],
    ['$[[ inputs.x[2] ]]', ['a'], 'item 2 of a list of 1'],
    ['$[[ inputs.x[-1] ]]', ['a'], "an index that GitLab can't read"],
    ['$[[ inputs.x[0][0][0][0][0][0] ]]', [[[[[[1]]]]]], 'more than 5 indices'],
    ['$[[ inputs.x | nope ]]', 'a', 'there is no function `nope`'],
    ['$[[ inputs.x | truncate(1) ]]', 'a', 'is not how `truncate` is written'],
    ['$[[ inputs.x | truncate(-1,2) ]]', 'a', 'is not how `truncate` is written'],
    ['$[[ inputs.x | posix_escape() ]]', 'a', 'is not how `posix_escape` is written'],
    ["$[[ inputs.x | split('') ]]", 'a', 'needs a separator'],
    ["$[[ inputs.x | split('|') ]]", 'a', 'is not how `split` is written'],
    ['$[[ inputs.x | split(",") ]]', 'a', 'is not how `split` is written'],
    ['$[[ inputs.x | truncate(0,1) ]]', 12, '`truncate` takes a string only'],
    ["$[[ inputs.x | split(',') | truncate(0,1) ]]", 'a,b', '`truncate` takes a string only'],
    ['$[[ inputs.x | expand_vars ]]', '$SECRET', '`SECRET`: it is masked'],
    ['$[[ inputs.x|posix_escape|posix_escape|posix_escape|posix_escape ]]', 'a', 'at most 3 functions'],
    [`$[[ inputs.${'a'.repeat(1100)} ]]`, 'a', 'longer than 1024 bytes'],
    ['$[[ inputs.__proto__ ]]', 1, 'there is no input `__proto__`'],
    ['$[[ constructor.name ]]', 1, '`constructor` is not known here'],
    ['$[[ inputs.x | constructor ]]', 'a', 'there is no function `constructor`'],
  ])('refuses %s', (text, x, message) => {
    const { value, diagnostics, pointedAt } = fill(`k: '${text.replaceAll("'", "''")}'\n`, { x });
    expect(value).toBeUndefined();
    expect(diagnostics.map(({ code }) => code)).toEqual(['gitlab/interpolation']);
    expect(diagnostics[0]!.message).toContain(message);
    if (!text.includes("'")) expect(pointedAt).toEqual([text]);
  });

  it('points at each wrong block once, wherever it stands', () => {
    const text = [
      'key $[[ inputs.key ]]: 1',
      'block: |',
      '  first $[[ inputs.x ]]',
      '  second $[[ inputs.second ]] and $[[ inputs.third ]]',
      'folded: >-',
      '  a',
      '  b $[[ inputs.fourth ]]',
      'again: $[[ inputs.second ]]',
    ].join('\n');
    const { diagnostics } = fill(text, { x: 1 });
    expect(diagnostics.map(({ span: place }) => text.slice(place!.start, place!.end))).toEqual([
      '$[[ inputs.key ]]',
      '$[[ inputs.second ]]',
      '$[[ inputs.third ]]',
      '$[[ inputs.fourth ]]',
    ]);
  });

  it('tells fifty errors of a file at most', () => {
    const text = Array.from({ length: 80 }, (_, index) => `- $[[ inputs.y${index} ]]`).join('\n');
    expect(fill(text, {}).diagnostics).toHaveLength(50);
  });

  it('stops where blocks make too much', () => {
    const code = ['gitlab/interpolation-too-large'];
    const codes = (filledIn: Filled): readonly string[] => filledIn.diagnostics.map((diagnostic) => diagnostic.code);
    const long = 'a'.repeat(600_000);
    expect(codes(fill('a: $[[ inputs.x ]]$[[ inputs.x ]]\n', { x: long }))).toEqual(code);
    const many = Array.from({ length: 60 }, () => '- x$[[ inputs.x ]]').join('\n');
    expect(codes(fill(many, { x: long }))).toEqual(code);
    const list = Array.from({ length: 20_000 }, () => 1);
    expect(codes(fill(Array.from({ length: 60 }, () => '- $[[ inputs.x ]]').join('\n'), { x: list }))).toEqual(code);
    const blocks = Array.from({ length: 10_001 }, (_, index) => `- $[[ inputs.x | truncate(0,${index}) ]]`).join('\n');
    expect(codes(fill(blocks, { x: 'a' }))).toEqual(code);
  });

  const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      scalar,
      fc.array(tie('any'), { maxLength: 4 }),
      fc.dictionary(fc.string(), tie('any'), { maxKeys: 4 }),
    ),
  })).any;

  it('keeps types', () => {
    fc.assert(
      fc.property(value, (x) => {
        expect(fill('- $[[ inputs.x ]]\n- "$[[inputs.x]]"\n', { x }).value).toEqual(JSON.parse(JSON.stringify([x, x])));
      }),
    );
  });

  it('never changes what has no block', () => {
    fc.assert(
      fc.property(value, (tree) => {
        const node = plainNode(tree, span)!;
        fc.pre(!JSON.stringify(tree).includes('$[['));
        expect(fillNode(node, '', { x: 1 }).node).toBe(node);
      }),
    );
  });

  it('does not look into values for blocks', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        const x = `${before}$[[ inputs.y ]]${after}`;
        const { value: result } = fill('- $[[ inputs.x ]]\n- ">$[[ inputs.x ]]$[[ inputs.y ]]<"\n', { x, y: 'no' });
        expect(result).toEqual([x, `>${x}no<`]);
      }),
    );
  });
});

describe('many blocks that nothing closes', () => {
  it('cost one look at the space before what might close them', () => {
    const text = `${'$[[a\n'.repeat(20_000)}${' '.repeat(200_000)}]]`;
    const spentMs = cpuTimer();
    expect(findBlocks(text)).toEqual([]);
    // Ran for minutes when each block looked for itself.
    expect(spentMs()).toBeLessThan(2000);
  });
});
