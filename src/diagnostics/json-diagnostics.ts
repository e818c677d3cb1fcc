import type { Diagnostic, Severity, Span } from './diagnostic.ts';
import { locator, type Sources } from './locate.ts';
import { sortDiagnostics } from './sort-diagnostics.ts';

/** Where something stands, lines and columns from 1, the end exclusive. Without the file's text only `file` is known. */
export interface JsonLocation {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly endLine?: number;
  readonly endColumn?: number;
}

/** A diagnostic as `--format json` prints it. */
export interface JsonDiagnostic extends JsonLocation {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly hint?: string;
  readonly related?: readonly (JsonLocation & { readonly message: string })[];
}

/** The diagnostics, sorted, as plain data. */
export function jsonDiagnostics(diagnostics: readonly Diagnostic[], sources: Sources): readonly JsonDiagnostic[] {
  const locate = locator(sources);
  const toLocation = (span: Span | undefined): JsonLocation => {
    if (span === undefined) return {};
    const location = locate(span);
    if (location === undefined) return { file: span.file };
    const { start, end } = location;
    return { file: span.file, line: start.line, column: start.column, endLine: end.line, endColumn: end.column };
  };
  return sortDiagnostics(diagnostics).map(({ code, severity, message, span, hint, related }) => ({
    code,
    severity,
    message,
    ...toLocation(span),
    ...(hint === undefined ? {} : { hint }),
    ...(related === undefined || related.length === 0
      ? {}
      : { related: related.map((note) => ({ message: note.message, ...toLocation(note.span) })) }),
  }));
}
