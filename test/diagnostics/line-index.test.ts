import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineIndex } from '../../src/diagnostics/line-index.ts';

describe('lineIndex', () => {
  it('counts lines and columns from 1, columns in UTF-16 units', () => {
    const index = lineIndex('ab\n\n😀c\r\nd');
    expect([0, 1, 2, 3, 4, 6, 7, 9].map((offset) => index.position(offset))).toEqual([
      { line: 1, column: 1 },
      { line: 1, column: 2 },
      { line: 1, column: 3 },
      { line: 2, column: 1 },
      { line: 3, column: 1 },
      { line: 3, column: 3 },
      { line: 3, column: 4 },
      { line: 4, column: 1 },
    ]);
    expect(index.lineCount).toBe(4);
    expect([0, 1, 2, 3, 4, 5].map((line) => index.lineText(line))).toEqual(['', 'ab', '', '😀c', 'd', '']);
  });

  it('keeps offsets outside of the text at its ends', () => {
    const index = lineIndex('a\nb');
    expect(index.position(-5)).toEqual({ line: 1, column: 1 });
    expect(index.position(99)).toEqual({ line: 2, column: 2 });
    expect(lineIndex('').position(0)).toEqual({ line: 1, column: 1 });
  });

  it('gives back the offset it was asked for', () => {
    const text = fc.array(fc.constantFrom('a', '\n', '\r\n', 'é'), { maxLength: 50 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, fc.nat(60), (source, at) => {
        const offset = Math.min(at, source.length);
        const index = lineIndex(source);
        const { line, column } = index.position(offset);
        expect(index.lineStart(line) + column - 1).toBe(offset);
        expect(source.slice(0, offset).split('\n').length).toBe(line);
      }),
    );
  });
});
