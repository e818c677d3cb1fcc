import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineStamper } from '../../../src/runner/trace/line-stamper.ts';

/** Each header is a minute later than the one before, so that it can be seen when it was made. */
function stamper(stream: '00O' | '01O' | '01E' = '01O') {
  let now = Date.parse('2026-01-02T03:03:05.120Z');
  return lineStamper(stream, () => {
    now += 60_000;
    return now;
  });
}

/** `4 ` or `4+`: the minute of the header and its flag, in place of the whole. */
const shortened = (text: string): string =>
  text.replace(/^2026-01-02T03:0(\d):05\.120000Z 01O([ +])/gm, (_, minute, flag) => `${minute}${flag}|`);

const tables: readonly { readonly name: string; readonly writes: readonly string[]; readonly expected: string }[] = [
  { name: 'whole lines', writes: ['a\nb\n', 'c\n'], expected: '4 |a\n5 |b\n6 |c\n' },
  { name: 'empty lines', writes: ['\n\n'], expected: '4 |\n5 |\n' },
  { name: 'a line in pieces has the time of its first', writes: ['a', 'b', 'c\nd\n'], expected: '4 |abc\n5 |d\n' },
  { name: 'nothing', writes: ['', ''], expected: '' },
  { name: 'the rest, at the end', writes: ['a\nb'], expected: '4 |a\n5 |b\n' },
  {
    name: 'progress is shown as it comes',
    writes: ['1%\r', '2%\r', '3%\n', 'x\n'],
    expected: '4 |1%\r\n5+|2%\r\n6+|3%\n7 |x\n',
  },
  { name: 'what was held goes along with it', writes: ['at ', '1%\r', 'done\n'], expected: '4 |at 1%\r\n5+|done\n' },
  { name: '\\r\\n is an end as any other', writes: ['a\r\nb\r\n'], expected: '4 |a\r\n5 |b\r\n' },
  { name: '\\r\\n in two pieces', writes: ['a\r', '\nb\n'], expected: '4 |a\r\n5+|\n6 |b\n' },
  { name: 'several \\r within a line', writes: ['a\r\r\rb\n'], expected: '4 |a\r\r\rb\n' },
  {
    name: 'a section stays in one piece',
    writes: ['section_start:1:a\r\x1b[0K', 'section_end:1:a\r\x1b[0K', 'Title\n'],
    expected: '4 |section_start:1:a\r\x1b[0K\n5+|section_end:1:a\r\x1b[0K\n6+|Title\n',
  },
];

describe('headers of lines', () => {
  it('are 32 characters: time, stream, kind, flag', () => {
    expect(Buffer.from(stamper('01E').take(Buffer.from('x\n'))).toString()).toBe('2026-01-02T03:04:05.120000Z 01E x\n');
  });

  it.each(tables)('$name', ({ writes, expected }) => {
    const one = stamper();
    const out = [...writes.map((text) => one.take(Buffer.from(text))), one.flush('ends')];
    expect(shortened(Buffer.concat(out).toString())).toBe(expected);
    expect(one.flush('ends')).toHaveLength(0);
  });

  it('split lines that are too long', () => {
    const one = stamper();
    const long = '.'.repeat(8192);
    const writes = ['begin', long, `${long}.`, 'end\n'];
    const out = Buffer.concat(writes.map((text) => one.take(Buffer.from(text)))).toString();
    expect(shortened(out)).toBe(`4 |begin${long}\n5+|${long}.\n6+|end\n`);
  });

  it('never part a character', () => {
    const one = stamper();
    const bytes = Buffer.from('\rgr€ße\n');
    const at = bytes.indexOf(Buffer.from('€')) + 1;
    const out = [
      one.take(bytes.subarray(0, at)),
      one.take(bytes.subarray(at, at + 1)),
      one.take(bytes.subarray(at + 1)),
    ];
    expect(shortened(Buffer.concat(out).toString())).toBe('4 |\rgr\n5+|€ße\n');
  });

  it.each([
    { how: 'ends', expected: '4 |a\n5 |b\n' },
    { how: 'goes-on', expected: '4 |a\n5+|b\n' },
  ] as const)('behind a flush where the stream $how', ({ how, expected }) => {
    const one = stamper();
    const out = [one.take(Buffer.from('a')), one.flush(how), one.take(Buffer.from('b\n'))];
    expect(shortened(Buffer.concat(out).toString())).toBe(expected);
  });

  it('can be taken away again, however the stream is cut', () => {
    const part = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom('\n', '\r', '\r\n', 'x'.repeat(5000), '€'.repeat(3000)),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), fc.array(fc.nat(40)), (parts, cuts) => {
        const whole = Buffer.from(parts.join(''));
        const one = stamper();
        const out: Uint8Array[] = [];
        let from = 0;
        for (const cut of [...cuts, whole.length]) {
          out.push(one.take(whole.subarray(from, from + cut)));
          from = Math.min(whole.length, from + cut);
        }
        out.push(one.flush('ends'));
        const text = Buffer.concat(out).toString();
        const plain = text.replace(/(^|\n)(2026-[^ ]{22} 01O([ +]))?/g, (found, end, header, flag) =>
          header === undefined ? found : flag === '+' ? '' : end,
        );
        const wanted = whole.toString();
        expect(plain).toBe(wanted === '' || wanted.endsWith('\n') || plain === wanted ? wanted : `${wanted}\n`);
        for (const line of text.split('\n').slice(0, -1)) expect(line).toMatch(/^2026-[^ ]{22} 01O[ +]/);
      }),
      { numRuns: 100 },
    );
  });
});
