import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPaint, noPaint, resolveColor } from '../../src/reporters/color.ts';
import { displayWidth, truncateToWidth } from '../../src/reporters/display-width.ts';
import { chooseReporter, createReporter, reporterNames } from '../../src/reporters/index.ts';
import { memoryOutput } from '../../src/reporters/output.ts';
import { renderTable } from '../../src/reporters/table.ts';
import { keepColours, oneLine, stripAnsi, visibleLines } from '../../src/reporters/terminal-text.ts';
import { hostileName, ordinaryRun } from './recorded.ts';

const withSequences = fc
  .array(
    fc.constantFrom(
      '\x1b',
      '[',
      ']',
      'm',
      '2J',
      '31',
      ';',
      '\x07',
      '\\',
      '\x9b',
      'P',
      'x',
      '\n',
      '\r',
      '\u202e',
      '\x00',
      'é',
      '世',
    ),
  )
  .map((parts) => parts.join(''));

describe('terminal text', () => {
  it('has no control character left when stripped, and only colours when kept', () => {
    fc.assert(
      fc.property(withSequences, (text) => {
        expect(stripAnsi(text)).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202a-\u202e]/);
        expect(keepColours(text).replace(/\x1b\[[0-9;:]*m/g, '')).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202a-\u202e]/);
      }),
    );
  });
  it('keeps what can be read of a hostile name', () => {
    expect(oneLine(hostileName, { color: false })).toBe('::error::x ##[error]<b>|`"&red');
    expect(oneLine(hostileName, { color: true })).toBe('::error::x ##[error]<b>|`"&\x1b[31mred\x1b[0m');
  });
  it('shows the last state of a line that was rewritten', () => {
    expect(visibleLines('1%\r50%\r100%\r\nnext\r\n\x1b[0Ksection_start:1:a\r\x1b[0KHeader\n')).toEqual([
      '100%',
      'next',
      'Header',
    ]);
  });
  it('removes long broken sequences at once', () => {
    const text = `a${'\x1b]'.repeat(100_000)}b${'\x1b['.repeat(100_000)}`;
    expect(stripAnsi(text) === 'ab').toBe(true);
  });
});

describe('display width', () => {
  it.each([
    ['abc', 3],
    ['\x1b[31mabc\x1b[0m', 3],
    ['日本', 4],
    ['é', 1],
    ['e\u0301', 1],
    ['👩‍👩‍👧', 2],
    ['✓', 1],
    ['', 0],
  ])('%j is %i wide', (text, width) => expect(displayWidth(text)).toBe(width));
  it('cuts between characters and ends colours', () => {
    expect(truncateToWidth('日本語', 5)).toBe('日本…');
    expect(truncateToWidth('日本語', 4)).toBe('日…');
    expect(truncateToWidth('\x1b[31mabcdef', 4)).toBe('\x1b[31mabc…\x1b[0m');
    expect(truncateToWidth('abc', 3)).toBe('abc');
  });
  it('never gives more than was asked for', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(20), (text, columns) => {
        expect(displayWidth(truncateToWidth(stripAnsi(text), columns))).toBeLessThanOrEqual(columns);
      }),
    );
  });
});

describe('the quick way to measure text', () => {
  const ranges = [
    [0x20, 0x7e],
    [0xa1, 0xac],
    [0xae, 0x2ff],
    [0x2010, 0x2027],
    [0x2190, 0x21ff],
    [0x2500, 0x25fc],
    [0x2713, 0x2718],
    [0x2800, 0x28ff],
  ] as const;
  const characters = ranges.flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, index) => String.fromCharCode(first + index)),
  );

  it('agrees with the thorough one', () => {
    const text = characters.join('');
    expect(displayWidth(text)).toBe(text.length);
    // A wide character in the text makes every grapheme be looked at.
    expect(displayWidth(`${text}漢`)).toBe(text.length + 2);
    expect(characters.filter((character) => displayWidth(`${character}漢${character}`) !== 4)).toEqual([]);
    expect(truncateToWidth(text, 100)).toBe(`${text.slice(0, 99)}…`);
    expect(truncateToWidth(`${text}漢`, 100)).toBe(`${text.slice(0, 99)}…`);
  });
});

describe('renderTable', () => {
  it('aligns wide and coloured cells, leaves out empty columns, cuts to the terminal', () => {
    const rows = [
      ['日本', '', '1 s', 'note'],
      ['\x1b[31mab\x1b[0m', '', '12 s', ''],
    ];
    expect(renderTable(rows, { header: ['NAME', 'X', 'TIME', 'NOTE'], rightAligned: [2] })).toEqual([
      'NAME  TIME  NOTE',
      '日本   1 s  note',
      '\x1b[31mab\x1b[0m    12 s',
    ]);
    expect(renderTable(rows, { columns: 8, indent: ' ' })[0]).toBe(' 日本  …');
  });
  it('is empty without rows and header', () => expect(renderTable([])).toEqual([]));
});

describe('resolveColor', () => {
  const env = (text: string) =>
    Object.fromEntries(
      text
        .split(' ')
        .filter(Boolean)
        .map((pair) => pair.split('=')),
    );
  it.each([
    ['always', 'NO_COLOR=1', false, true],
    ['never', 'FORCE_COLOR=1', true, false],
    ['auto', 'NO_COLOR=1 FORCE_COLOR=1', true, false],
    ['auto', 'NO_COLOR=', true, true],
    ['auto', 'FORCE_COLOR=1 TERM=dumb', false, true],
    ['auto', 'FORCE_COLOR=0 CLICOLOR_FORCE=1', true, false],
    ['auto', 'CLICOLOR_FORCE=1', false, true],
    ['auto', 'CLICOLOR_FORCE=0', false, false],
    ['auto', 'TERM=dumb', true, false],
    ['auto', '', true, true],
    ['auto', '', false, false],
  ] as const)('--color %s, %s, terminal %s: %s', (flag, variables, isTTY, expected) => {
    expect(resolveColor({ flag, env: env(variables), isTTY })).toBe(expected);
  });
});

it('paint colours, or does nothing', async () => {
  expect((await createPaint({ color: true }))('error', 'x')).toBe('\x1b[31mx\x1b[39m');
  expect(await createPaint({ color: false })).toBe(noPaint);
  expect(noPaint('error', 'x')).toBe('x');
});

describe('the choice of a reporter', () => {
  it.each([
    ['auto', true, {}, 'normal', 'tree'],
    ['auto', true, {}, 'quiet', 'plain'],
    ['auto', true, { TERM: 'dumb' }, 'normal', 'plain'],
    ['auto', false, {}, 'normal', 'plain'],
    ['auto', false, { GITHUB_ACTIONS: 'true' }, 'normal', 'github'],
    ['auto', true, { GITLAB_CI: 'true' }, 'normal', 'gitlab'],
    ['json', true, { GITHUB_ACTIONS: 'true' }, 'normal', 'json'],
  ] as const)('%s, terminal %s, %j, %s: %s', (wanted, isTTY, env, verbosity, expected) => {
    expect(chooseReporter(wanted, { isTTY, env, verbosity })).toBe(expected);
  });

  it.each(reporterNames)('%s can be made and fed', async (name) => {
    const output = memoryOutput(name === 'tree' ? { columns: 80, rows: 24 } : undefined);
    const reporter = await createReporter(name, { output, color: false, verbosity: 'normal', env: {} });
    for (const event of ordinaryRun) reporter.on(event);
    await reporter.close();
    expect(output.text()).toContain('unit: [18]');
  });
});
