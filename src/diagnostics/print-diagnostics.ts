import type { Diagnostic, Span } from './diagnostic.ts';
import { type Location, locator, type Sources } from './locate.ts';
import { sortDiagnostics } from './sort-diagnostics.ts';
import { sourceExcerpt } from './source-excerpt.ts';

/** The parts of a printed diagnostic that may be coloured. */
export type DiagnosticPart = 'error' | 'warning' | 'note' | 'code' | 'location' | 'gutter' | 'caret' | 'hint';

/** Colours one part; gives the text back as it is where there is no colour. */
export type PaintDiagnostic = (part: DiagnosticPart, text: string) => string;

/** What diagnostics are printed with: the texts of the files, to quote lines from. */
export interface PrintOptions {
  readonly sources: Sources;
  /** Default: no colour. */
  readonly paint?: PaintDiagnostic;
  /** Longest source line that is shown whole, in characters; default 100. */
  readonly width?: number;
}

interface Printer {
  readonly locate: (span: Span) => Location | undefined;
  readonly paint: PaintDiagnostic;
  readonly width: number;
}

/** The message of a diagnostic may quote the file: no control characters of it reach the terminal. */
function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/g, '�');
}

function place(span: Span, location: Location | undefined): string {
  const file = oneLine(span.file);
  return location === undefined ? file : `${file}:${location.start.line}:${location.start.column}`;
}

/** The source line and the carets under it, with a gutter as wide as the line number. */
function excerptLines(printer: Printer, location: Location, caret: DiagnosticPart): string[] {
  const { line, text, indent, length } = sourceExcerpt(location, printer.width);
  const number = String(line);
  const bar = (label: string): string => printer.paint('gutter', `${label.padStart(number.length + 2)} |`);
  return [
    `${bar(number)} ${text}`.trimEnd(),
    `${bar('')} ${' '.repeat(indent)}${printer.paint(caret, '^'.repeat(length))}`,
  ];
}

function noteLines(printer: Printer, message: string, span: Span): string[] {
  const location = printer.locate(span);
  const head = `  ${printer.paint('note', 'note')}: ${oneLine(message)} (${printer.paint('location', place(span, location))})`;
  return location === undefined ? [head] : [head, ...excerptLines(printer, location, 'caret')];
}

function diagnosticLines(printer: Printer, diagnostic: Diagnostic): string[] {
  const { code, severity, message, span, hint, related = [] } = diagnostic;
  const location = span === undefined ? undefined : printer.locate(span);
  const where = span === undefined ? '' : `${printer.paint('location', place(span, location))}: `;
  const head = `${where}${printer.paint(severity, severity)}: ${oneLine(message)} ${printer.paint('code', `[${code}]`)}`;
  return [
    head,
    ...(location === undefined ? [] : excerptLines(printer, location, 'caret')),
    ...(hint === undefined ? [] : [`  ${printer.paint('hint', 'hint')}: ${oneLine(hint)}`]),
    ...related.flatMap((note) => noteLines(printer, note.message, note.span)),
  ];
}

/**
 * The diagnostics as text for people: each with its place, its source line with carets under it, its hint and its
 * notes; sorted, a blank line between them, a line break at the end ('' when there are none).
 */
export function printDiagnostics(diagnostics: readonly Diagnostic[], options: PrintOptions): string {
  const printer: Printer = {
    locate: locator(options.sources),
    paint: options.paint ?? ((_, text) => text),
    width: options.width ?? 100,
  };
  const blocks = sortDiagnostics(diagnostics).map((diagnostic) => diagnosticLines(printer, diagnostic).join('\n'));
  return blocks.length === 0 ? '' : `${blocks.join('\n\n')}\n`;
}
