import type { Diagnostic } from './diagnostic.ts';
import { fingerprints } from './fingerprint.ts';
import { jsonDiagnostics } from './json-diagnostics.ts';
import type { Sources } from './locate.ts';

/**
 * The diagnostics as GitLab's code quality report, as JSON text. A finding without a place is told at line 1 of `-`,
 * for the format knows none without.
 * https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
 */
export function codeQualityReport(diagnostics: readonly Diagnostic[], sources: Sources): string {
  const found = jsonDiagnostics(diagnostics, sources);
  const prints = fingerprints(found);
  const report = found.map(({ code, severity, message, hint, file, line, endLine }, index) => ({
    description: hint === undefined ? message : `${message} (${hint})`,
    check_name: code,
    fingerprint: prints[index],
    severity: severity === 'error' ? 'major' : 'minor',
    location: { path: file ?? '-', lines: { begin: line ?? 1, ...(endLine === undefined ? {} : { end: endLine }) } },
  }));
  return `${JSON.stringify(report, null, 2)}\n`;
}
