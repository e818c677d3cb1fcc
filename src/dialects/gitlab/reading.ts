import type { Diagnostic, Report, Span } from '../../diagnostics/diagnostic.ts';
import type { Node } from '../../syntax/node.ts';

/** What readers of values get besides the value. */
export interface Reading {
  readonly report: Report;
  /** Something that the file includes could not be read: what is missing may stand there. */
  readonly incomplete: boolean;
  /** What each keyword read already: jobs share the nodes of their templates, so they share what comes out too. */
  readonly memo: Map<object, Map<Node, unknown>>;
  /** Keys inside of a keyword that have no effect, by keyword. */
  readonly ignored: Map<object, readonly IgnoredPart[]>;
}

/** A key without effect: the way to it, what happens instead, and values with which nothing is lost. */
export interface IgnoredPart {
  readonly path: readonly string[];
  readonly how: string;
  readonly unless?: readonly string[];
}

/** Starts the reading of one compilation. */
export function startReading(report: Report, given: { readonly incomplete: boolean }): Reading {
  return { report, incomplete: given.incomplete, memo: new Map(), ignored: new Map() };
}

/** Tells that a value has the wrong form. Dropped later where the schema has said so already. */
export function invalidValue(reading: Reading, span: Span, message: string, hint?: string): void {
  reading.report({
    code: 'gitlab/invalid-value',
    severity: 'error',
    message,
    span,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Tells that a legal key is not acted upon: `consequence` says what happens instead. */
export function notRunYet(reading: Reading, span: Span, name: string, consequence: string): void {
  reading.report({
    code: 'gitlab/not-run-yet',
    severity: 'warning',
    message: `\`${name}\` is not run locally yet: ${consequence}`,
    span,
  });
}

/**
 * What to tell in the end: without repetitions (many jobs share one template's mistake), and without remarks on the
 * form of a value on which the schema has remarked already.
 */
export function tidy(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const seen = new Set<string>();
  const schemaSpans = diagnostics.flatMap(({ code, severity, span }) =>
    severity === 'error' && code.startsWith('schema/') && span ? [span] : [],
  );
  return diagnostics.filter((diagnostic) => {
    const { code, span } = diagnostic;
    const key = `${code} ${span ? `${span.file}:${span.start}:${span.end}` : diagnostic.message}`;
    if (!code.startsWith('schema/') && seen.has(key)) return false;
    seen.add(key);
    return !(span && formCodes.has(code) && schemaSpans.some((other) => overlap(span, other)));
  });
}

const formCodes: ReadonlySet<string> = new Set([
  'gitlab/cache-key',
  'gitlab/empty-script',
  'gitlab/invalid-value',
  'gitlab/missing-script',
  'gitlab/rules-empty',
  'gitlab/rules-with-only',
  'gitlab/script-and-trigger',
]);

function overlap(a: Span, b: Span): boolean {
  return a.file === b.file && a.start < b.end && b.start < a.end;
}
