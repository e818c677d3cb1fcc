import type { Diagnostic } from './diagnostic.ts';
import { jsonDiagnostics } from './json-diagnostics.ts';
import type { Sources } from './locate.ts';

function escapeMessage(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeMessage(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/**
 * The diagnostics as workflow commands that GitHub Actions shows at the lines of a file, one a line.
 * https://docs.github.com/actions/reference/workflow-commands-for-github-actions
 */
export function githubAnnotations(diagnostics: readonly Diagnostic[], sources: Sources): string {
  const lines = jsonDiagnostics(diagnostics, sources).map((diagnostic) => {
    const { code, severity, message, hint, file, line, endLine, column, endColumn } = diagnostic;
    // GitHub refuses columns for an annotation of several lines.
    const columns = line === endLine ? { col: column, endColumn } : {};
    const properties = Object.entries({ file, line, endLine, ...columns, title: code })
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `${key}=${escapeProperty(String(value))}`);
    const text = hint === undefined ? message : `${message}\n${hint}`;
    return `::${severity} ${properties.join(',')}::${escapeMessage(text)}\n`;
  });
  return lines.join('');
}
