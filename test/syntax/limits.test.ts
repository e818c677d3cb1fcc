import { describe, expect, it } from 'vitest';
import { findTooDeep } from '../../src/syntax/nesting.ts';
import { parseYaml } from '../../src/syntax/parse.ts';
import { cpuTimer } from '../support/cpu-timer.ts';

function codes(text: string): readonly string[] {
  return parseYaml('a.yml', text, 'yaml-1.1').diagnostics.map(({ code }) => code);
}

function indented(depth: number): string {
  return `${Array.from({ length: depth }, (_, level) => `${' '.repeat(level)}a:`).join('\n')} 1\n`;
}

const shapes: Readonly<Record<string, (depth: number) => string>> = {
  'open brackets': (depth) => '['.repeat(depth),
  'closed brackets': (depth) => '['.repeat(depth) + ']'.repeat(depth),
  braces: (depth) => '{a: '.repeat(depth) + '}'.repeat(depth),
  dashes: (depth) => `${'- '.repeat(depth)}x`,
  'brackets below a key': (depth) => `a:\n  b: ${'['.repeat(depth)}`,
};

describe('depth', () => {
  for (const [name, make] of Object.entries(shapes)) {
    it.each([101, 1000, 20_000, 1_000_000])(`refuses ${name}, %d deep, at once and with one error`, (depth) => {
      const text = make(depth);
      const spentMs = cpuTimer();
      expect(codes(text)).toEqual(['syntax/too-deep']);
      expect(spentMs()).toBeLessThan(200);
    });
  }

  it.each([101, 1000, 5000])('refuses indentation, %d deep', (depth) => {
    const text = indented(depth);
    const spentMs = cpuTimer();
    expect(codes(text)).toEqual(['syntax/too-deep']);
    expect(spentMs()).toBeLessThan(200);
  });

  it('takes a hundred levels of each shape', () => {
    for (const name of ['closed brackets', 'braces', 'dashes']) expect(codes(shapes[name]!(100))).toEqual([]);
    expect(codes(indented(100))).toEqual([]);
  });

  it('counts lists that stand at the column of their key', () => {
    const make = (levels: number): string =>
      Array.from({ length: levels }, (_, level) => `${' '.repeat(level * 2)}a:\n${' '.repeat(level * 2)}-`).join(
        ' \n',
      ) + ' 1\n';
    expect(codes(make(20))).toEqual([]);
    expect(codes(make(51))).toEqual(['syntax/too-deep']);
  });

  it('does not count brackets in quotes, comments, block scalars and plain text', () => {
    const many = '['.repeat(300);
    const text = `a: "${many}"\nb: '${many}''${many}'\n# ${many}\nc: |\n  ${many}\n   ${many}\nd: x ${many}\ne: >-\n\n  ${many}\nf: [ "${many}", 'x', it's ] # ${many}\ng:\n  - |\n   ${many}\n  - x${many}\n`;
    expect(findTooDeep(text, 10)).toBeUndefined();
    expect(findTooDeep(`${text}h: ${many}`, 10)).toBe(text.length + 3 + 9);
  });
});

describe('size', () => {
  it('refuses more than 16 MB, counted in bytes', () => {
    expect(codes(`# ${'x'.repeat(16 * 1024 * 1024)}`)).toEqual(['syntax/too-large']);
    expect(codes(`# ${'€'.repeat(6 * 1024 * 1024)}`)).toEqual(['syntax/too-large']);
    expect(codes(`# ${'x'.repeat(1024 * 1024)}`)).toEqual([]);
  });

  it('refuses an alias bomb within half a second', () => {
    let text = 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n';
    for (let level = 1; level < 40; level++) {
      text += `a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ')}]\n`;
    }
    const spentMs = cpuTimer();
    expect(codes(text)).toEqual(['syntax/too-large']);
    expect(spentMs()).toBeLessThan(500);
  });

  it('refuses a bomb of merge keys', () => {
    const keys = Array.from({ length: 500 }, (_, index) => `k${index}: 1`).join(', ');
    const uses = Array.from({ length: 1000 }, (_, index) => `m${index}: {<<: *m}`).join('\n');
    expect(codes(`m: &m {${keys}}\n${uses}\n`)).toEqual(['syntax/too-large']);
  });

  it('takes what real files do: an anchor used some hundred times', () => {
    const uses = Array.from({ length: 300 }, (_, index) => `j${index}:\n  <<: *job\n  stage: s${index}`).join('\n');
    expect(codes(`.job: &job\n  script: [a, b, c]\n  image: x\n${uses}\n`)).toEqual([]);
  });
});
