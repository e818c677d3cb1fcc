import type { Diagnostic } from './diagnostic.ts';

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compare(a: Diagnostic, b: Diagnostic): number {
  const byFile = compareText(a.span?.file ?? '', b.span?.file ?? '');
  if (byFile !== 0) return byFile;
  const byPlace = (a.span?.start ?? -1) - (b.span?.start ?? -1) || (a.span?.end ?? -1) - (b.span?.end ?? -1);
  if (byPlace !== 0) return byPlace;
  if (a.severity !== b.severity) return a.severity === 'error' ? -1 : 1;
  return compareText(a.code, b.code) || compareText(a.message, b.message);
}

/** Sorted by file and place (those without a place first), errors before warnings; the very same is told once. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const sorted = [...diagnostics].sort(compare);
  return sorted.filter((diagnostic, index) => index === 0 || compare(sorted[index - 1]!, diagnostic) !== 0);
}
