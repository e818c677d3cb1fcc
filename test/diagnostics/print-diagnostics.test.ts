import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '../../src/diagnostics/diagnostic.ts';
import { printDiagnostics } from '../../src/diagnostics/print-diagnostics.ts';
import { sortDiagnostics } from '../../src/diagnostics/sort-diagnostics.ts';
import { diagnosticSummary } from '../../src/diagnostics/summary.ts';

const text = 'stages: [a]\nbuild:\n\tscript: make\n  image: {\n    nam: x }\n';
const sources = (file: string): string | undefined => (file === 'a.yml' ? text : undefined);

function problem(marked: string, more: Partial<Diagnostic> = {}): Diagnostic {
  const start = text.indexOf(marked);
  const span = { file: 'a.yml', start, end: start + marked.length };
  return { code: 'schema/unknown-key', severity: 'error', message: `something about ${marked.trim()}`, span, ...more };
}

describe('printDiagnostics', () => {
  it('shows place, line, caret, hint and notes, sorted', () => {
    const note = { message: 'it is said here', span: { file: 'a.yml', start: 0, end: 6 } };
    const printed = printDiagnostics(
      [problem('nam', { hint: 'did you mean `name`?', related: [note] }), problem('build', { severity: 'warning' })],
      { sources },
    );
    expect(printed).toBe(`a.yml:2:1: warning: something about build [schema/unknown-key]
  2 | build:
    | ^^^^^

a.yml:5:5: error: something about nam [schema/unknown-key]
  5 |     nam: x }
    |     ^^^
  hint: did you mean \`name\`?
  note: it is said here (a.yml:1:1)
  1 | stages: [a]
    | ^^^^^^
`);
  });

  it('widens tabs and keeps the caret below its word', () => {
    const [, line, caret] = printDiagnostics([problem('script')], { sources }).split('\n');
    expect(line).toBe('  3 |   script: make');
    expect(caret).toBe('    |   ^^^^^^');
  });

  it('marks the first line of a place with several', () => {
    const [head, line, caret] = printDiagnostics([problem('{\n    nam')], { sources }).split('\n');
    expect(head).toMatch(/^a\.yml:4:10: /);
    expect(line).toBe('  4 |   image: {');
    expect(caret).toBe('    |          ^');
  });

  it('shows a window of a long line', () => {
    const long = `a: ${'x'.repeat(500_000)}HERE${'y'.repeat(500_000)}`;
    const span = { file: 'b.yml', start: long.indexOf('HERE'), end: long.indexOf('HERE') + 4 };
    const printed = printDiagnostics([{ code: 'syntax/yaml', severity: 'error', message: 'm', span }], {
      sources: () => long,
      width: 40,
    });
    const [, line = '', caret = ''] = printed.split('\n');
    expect(line).toMatch(/^ {2}1 \| …x+HEREy+…$/);
    expect(line.length).toBe('  1 | '.length + 42);
    expect(line.slice(caret.indexOf('^'), caret.lastIndexOf('^') + 1)).toBe('HERE');
  });

  it('lets no control characters of a file or message reach the terminal', () => {
    const evil = 'a: \u001b[31mred\u0007\u202e';
    const printed = printDiagnostics(
      [
        {
          code: 'syntax/yaml',
          severity: 'error',
          message: 'x\u001b[2Jy\nz',
          span: { file: 'e.yml', start: 3, end: 5 },
        },
      ],
      { sources: () => evil },
    );
    expect(printed).not.toMatch(/[\u001b\u0007\u202e]/);
    expect(printed).toContain('x�[2Jy z');
  });

  it('does without a place, without the text, and at the end of the file', () => {
    const lost: Diagnostic = { code: 'syntax/yaml', severity: 'error', message: 'no file' };
    const far: Diagnostic = { ...lost, message: 'far', span: { file: 'gone.yml', start: 7, end: 9 } };
    const last: Diagnostic = {
      ...lost,
      message: 'last',
      span: { file: 'a.yml', start: text.length, end: text.length },
    };
    expect(printDiagnostics([far, last, lost], { sources })).toBe(`error: no file [syntax/yaml]

a.yml:6:1: error: last [syntax/yaml]
  6 |
    | ^

gone.yml: error: far [syntax/yaml]
`);
    expect(printDiagnostics([], { sources })).toBe('');
  });

  it('paints the parts by their meaning', () => {
    const printed = printDiagnostics([problem('build', { hint: 'h' })], {
      sources,
      paint: (part, words) => `<${part}>${words}</${part}>`,
    });
    expect(printed).toContain(
      '<location>a.yml:2:1</location>: <error>error</error>: something about build <code>[schema/unknown-key]</code>',
    );
    expect(printed).toContain('<caret>^^^^^</caret>');
    expect(printed).toContain('<hint>hint</hint>: h');
  });
});

describe('sortDiagnostics', () => {
  it('sorts by file and place and tells the same once', () => {
    const at = (file: string, start: number, message = 'm'): Diagnostic => ({
      code: 'syntax/yaml',
      severity: 'error',
      message,
      span: { file, start, end: start + 1 },
    });
    const sorted = sortDiagnostics([at('b', 1), at('a', 9), at('a', 2), at('a', 2), at('a', 2, 'n')]);
    expect(sorted.map(({ span, message }) => `${span!.file}${span!.start}${message}`)).toEqual([
      'a2m',
      'a2n',
      'a9m',
      'b1m',
    ]);
  });
});

describe('diagnosticSummary', () => {
  it('counts', () => {
    const warning = problem('build', { severity: 'warning' });
    expect(diagnosticSummary([])).toBe('no problems');
    expect(diagnosticSummary([], 3)).toBe('no problems in 3 files');
    expect(diagnosticSummary([problem('nam'), problem('script'), warning])).toBe('2 errors, 1 warning in 1 file');
    expect(diagnosticSummary([warning], 2)).toBe('1 warning in 2 files');
  });
});
