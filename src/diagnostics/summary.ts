import type { Diagnostic } from './diagnostic.ts';

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}

/**
 * "2 errors, 1 warning in 1 file"; "no problems in 3 files" when there is nothing to tell.
 * @param files how many files were checked; by default how many of them have something to tell.
 */
export function diagnosticSummary(diagnostics: readonly Diagnostic[], files?: number): string {
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
  const warnings = diagnostics.length - errors;
  const named = files ?? new Set(diagnostics.flatMap(({ span }) => span?.file ?? [])).size;
  const where = named === 0 ? '' : ` in ${count(named, 'file')}`;
  if (diagnostics.length === 0) return `no problems${where}`;
  const parts = [
    ...(errors > 0 ? [count(errors, 'error')] : []),
    ...(warnings > 0 ? [count(warnings, 'warning')] : []),
  ];
  return `${parts.join(', ')}${where}`;
}
