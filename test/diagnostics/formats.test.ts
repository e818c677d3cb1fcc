import { describe, expect, it } from 'vitest';
import { codeQualityReport } from '../../src/diagnostics/code-quality.ts';
import type { Diagnostic } from '../../src/diagnostics/diagnostic.ts';
import { githubAnnotations } from '../../src/diagnostics/github-annotations.ts';
import { jsonDiagnostics } from '../../src/diagnostics/json-diagnostics.ts';
import { sarifLog } from '../../src/diagnostics/sarif.ts';

const text = 'a: 1\nb: 2\na: 3\n';
const sources = (file: string): string | undefined => (file === 'dir/a b.yml' ? text : undefined);
const span = { file: 'dir/a b.yml', start: 10, end: 11 };
const duplicate: Diagnostic = {
  code: 'syntax/duplicate-key',
  severity: 'warning',
  message: 'the key `a` is set twice, 100%',
  span,
  hint: 'remove one',
  related: [{ message: 'first', span: { ...span, start: 0, end: 1 } }],
};
const placeless: Diagnostic = { code: 'syntax/yaml', severity: 'error', message: 'two\nlines' };
const both = [duplicate, placeless];

describe('jsonDiagnostics', () => {
  it('gives lines and columns from 1', () => {
    expect(jsonDiagnostics(both, sources)).toEqual([
      { code: 'syntax/yaml', severity: 'error', message: 'two\nlines' },
      {
        code: 'syntax/duplicate-key',
        severity: 'warning',
        message: 'the key `a` is set twice, 100%',
        file: 'dir/a b.yml',
        line: 3,
        column: 1,
        endLine: 3,
        endColumn: 2,
        hint: 'remove one',
        related: [{ message: 'first', file: 'dir/a b.yml', line: 1, column: 1, endLine: 1, endColumn: 2 }],
      },
    ]);
  });

  it('knows only the file when its text is not at hand', () => {
    expect(jsonDiagnostics([{ ...duplicate, span: { ...span, file: 'x' } }], sources)[0]).not.toHaveProperty('line');
  });
});

describe('sarifLog', () => {
  it('is a log of version 2.1.0 with rules and fingerprints', () => {
    const log = JSON.parse(sarifLog(both, sources, '1.2.3')) as {
      readonly version: string;
      readonly runs: readonly {
        readonly tool: {
          readonly driver: { readonly version: string; readonly rules: readonly { readonly id: string }[] };
        };
        readonly results: readonly Record<string, unknown>[];
      }[];
    };
    expect(log.version).toBe('2.1.0');
    const { tool, results } = log.runs[0]!;
    expect(tool.driver.rules.map(({ id }) => id)).toEqual(['syntax/duplicate-key', 'syntax/yaml']);
    expect(tool.driver.version).toBe('1.2.3');
    expect(results[0]).toMatchObject({ ruleId: 'syntax/yaml', ruleIndex: 1, level: 'error', locations: [] });
    const artifactLocation = { uri: 'dir/a%20b.yml', uriBaseId: '%SRCROOT%' };
    expect(results[1]).toMatchObject({
      ruleId: 'syntax/duplicate-key',
      ruleIndex: 0,
      level: 'warning',
      locations: [
        {
          physicalLocation: {
            artifactLocation,
            region: { startLine: 3, startColumn: 1, endLine: 3, endColumn: 2 },
          },
        },
      ],
      relatedLocations: [{ message: { text: 'first' }, physicalLocation: { artifactLocation } }],
      partialFingerprints: { 'pipewright/v1': expect.stringMatching(/^[0-9a-f]{32}$/) },
    });
  });
});

describe('codeQualityReport', () => {
  it('has what GitLab asks for', () => {
    const report = JSON.parse(codeQualityReport(both, sources)) as unknown;
    expect(report).toEqual([
      {
        description: 'two\nlines',
        check_name: 'syntax/yaml',
        fingerprint: expect.any(String),
        severity: 'major',
        location: { path: '-', lines: { begin: 1 } },
      },
      {
        description: 'the key `a` is set twice, 100% (remove one)',
        check_name: 'syntax/duplicate-key',
        fingerprint: expect.any(String),
        severity: 'minor',
        location: { path: 'dir/a b.yml', lines: { begin: 3, end: 3 } },
      },
    ]);
  });

  it('gives each finding a fingerprint of its own, which stays when lines move', () => {
    const prints = (diagnostics: readonly Diagnostic[], source: string): string[] =>
      (JSON.parse(codeQualityReport(diagnostics, () => source)) as { fingerprint: string }[]).map(
        (row) => row.fingerprint,
      );
    const second = { ...duplicate, span: { ...span, start: 12, end: 13 } };
    const before = prints([duplicate, second], text);
    expect(new Set(before).size).toBe(2);
    const moved = [
      { ...duplicate, span: { ...span, start: 11, end: 12 } },
      { ...duplicate, span: { ...span, start: 13, end: 14 } },
    ];
    expect(prints(moved, `\n${text}`)).toEqual(before);
  });
});

describe('githubAnnotations', () => {
  it('escapes what GitHub would read as its own', () => {
    const odd = {
      ...duplicate,
      span: { ...span, file: 'dir/a b.yml' },
      code: 'syntax/yaml',
      severity: 'error',
    } as const;
    expect(githubAnnotations([odd], sources)).toBe(
      '::error file=dir/a b.yml,line=3,endLine=3,col=1,endColumn=2,title=syntax/yaml::the key `a` is set twice, 100%25%0Aremove one\n',
    );
    expect(githubAnnotations([{ ...odd, span: { file: 'a,b:c', start: 0, end: 0 } }], sources)).toContain(
      'file=a%2Cb%3Ac,',
    );
    expect(githubAnnotations([placeless], sources)).toBe('::error title=syntax/yaml::two%0Alines\n');
  });

  it('leaves columns out of a place with several lines', () => {
    const wide = { ...duplicate, span: { ...span, start: 0, end: 7 } };
    expect(githubAnnotations([wide], sources)).toMatch(/^::warning file=dir\/a b\.yml,line=1,endLine=2,title=/);
  });
});
