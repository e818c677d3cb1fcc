import type { DiagnosticCode } from './codes.ts';

/**
 * A stretch of one source file. `start` and `end` are offsets in UTF-16 code units into the file's text
 * (as JavaScript strings count), `end` exclusive. `file` is the path as the user knows it: relative to the
 * project root where possible, with forward slashes.
 */
export interface Span {
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

/** A value together with the place in the user's file that it came from. */
export interface Spanned<T> {
  readonly value: T;
  readonly span: Span;
}

/** An error makes a file unusable; a warning changes nothing but, if the user asks for it (`ci lint --strict`), the exit code. */
export type Severity = 'error' | 'warning';

/**
 * One thing that is wrong with what the user wrote. Codes are `area/kebab-name`, never reused.
 * An error makes the file invalid (exit 3, or 1 in `ci lint`), a warning never does.
 */
export interface Diagnostic {
  readonly code: DiagnosticCode;
  readonly severity: Severity;
  /** One sentence, no trailing full stop, names the thing it is about. */
  readonly message: string;
  /** Absent only where no place in a file can be named (for example: a file that does not exist). */
  readonly span?: Span;
  /** What to do about it: "did you mean `build`?" */
  readonly hint?: string;
  /** Nothing is wrong with the file: it is what was given beside it. Absent: the file. */
  readonly blames?: 'command-line';
  readonly related?: readonly { readonly message: string; readonly span: Span }[];
}

/** A value together with all that was found wrong on the way. `value` is absent when nothing usable came out. */
export interface Checked<T> {
  readonly value: T | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** Collects diagnostics; passed down into readers so that all problems of a file are told at once. */
export type Report = (diagnostic: Diagnostic) => void;

/** True if at least one of the diagnostics is an error. */
export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === 'error');
}
