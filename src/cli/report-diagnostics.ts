import { type Diagnostic, hasErrors } from '../diagnostics/diagnostic.ts';
import { type PaintDiagnostic, printDiagnostics } from '../diagnostics/print-diagnostics.ts';
import { diagnosticSummary } from '../diagnostics/summary.ts';
import { createPaint, type Paint, type PaintKind, resolveColor } from '../reporters/color.ts';
import { CommandError, exitCodes } from './exit-code.ts';
import { isCommandLineAlone } from './input-arguments.ts';
import { type Invocation, print, printMessage, type Terminal } from './invocation.ts';
import { isValid, type LoadedPipeline } from './load-pipeline.ts';
import type { FileOptions } from './options.ts';

const kinds: Readonly<Record<Parameters<PaintDiagnostic>[0], PaintKind>> = {
  error: 'error',
  warning: 'warning',
  note: 'hint',
  code: 'muted',
  location: 'location',
  gutter: 'muted',
  caret: 'caret',
  hint: 'hint',
};

/** Colours for one stream as `--color` and the environment want it. */
export function paintFor(invocation: Invocation, terminal: Terminal, color: FileOptions['color']): Promise<Paint> {
  return createPaint({ color: resolveColor({ flag: color ?? 'auto', env: invocation.env, isTTY: terminal.isTty }) });
}

/** The paint of a diagnostics printer. */
export function diagnosticPaint(paint: Paint): PaintDiagnostic {
  return (part, text) => paint(kinds[part], text);
}

/**
 * Prints what was found about a pipeline file to stderr, for every command but `lint`.
 * @throws CommandError exit 3 when there are errors.
 */
export async function requireValid(
  invocation: Invocation,
  loaded: LoadedPipeline,
  options: FileOptions & { readonly quiet?: boolean },
  found: readonly Diagnostic[] = [],
): Promise<NonNullable<LoadedPipeline['compiled']>> {
  const diagnostics = [...loaded.diagnostics, ...found];
  const failed = !isValid(loaded) || hasErrors(found);
  const shown = options.quiet && !failed ? [] : diagnostics;
  await tellDiagnostics(invocation, loaded, options, shown);
  if (failed && isCommandLineAlone(diagnostics)) {
    throw new CommandError(exitCodes.usage, `${loaded.name} does not take what the command line gives it`);
  }
  if (failed) throw invalid(loaded, diagnostics);
  if (!options.quiet) for (const notice of loaded.notices) await printMessage(invocation, notice);
  return loaded.compiled!;
}

/** A file that is only not valid because servers do not give what it includes is no mistake of the user's. */
function invalid({ name }: LoadedPipeline, diagnostics: readonly Diagnostic[]): CommandError {
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  if (errors.every(({ code }) => code === 'gitlab/include-not-fetched')) {
    return new CommandError(
      exitCodes.system,
      `${name} includes files that can't be fetched`,
      '`ci run --offline` leaves them out',
    );
  }
  return new CommandError(exitCodes.invalidFile, `${name} is not valid: ${diagnosticSummary(diagnostics)}`);
}

/** Prints diagnostics to stderr; nothing where there are none. */
export async function tellDiagnostics(
  invocation: Invocation,
  loaded: LoadedPipeline,
  options: FileOptions,
  shown: readonly Diagnostic[],
): Promise<void> {
  if (shown.length === 0) return;
  const paint = await paintFor(invocation, invocation.stderr, options.color);
  const text = printDiagnostics(shown, { sources: loaded.sources, paint: diagnosticPaint(paint) });
  await print(invocation.stderr, `${text}\n`);
}
