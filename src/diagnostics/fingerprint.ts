import { createHash } from 'node:crypto';
import type { JsonDiagnostic } from './json-diagnostics.ts';

/**
 * One name for each finding, which stays the same when lines are added above it: it is made of code, file and message.
 * The second of two findings alike gets another one.
 */
export function fingerprints(diagnostics: readonly JsonDiagnostic[]): readonly string[] {
  const seen = new Map<string, number>();
  return diagnostics.map(({ code, file = '', message }) => {
    const identity = [code, file, message].join('\0');
    const before = seen.get(identity) ?? 0;
    seen.set(identity, before + 1);
    return createHash('sha256').update(`${identity}\0${before}`).digest('hex').slice(0, 32);
  });
}
