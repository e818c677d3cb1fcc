import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { GivenInputs } from '../dialects/dialect.ts';
import { CommandError, exitCodes } from './exit-code.ts';

/**
 * The values of `--input NAME=VALUE`; the last of a name counts.
 * @throws CommandError exit 2 for one that has not that form.
 */
export function readInputArguments(given: readonly string[]): GivenInputs | undefined {
  if (given.length === 0) return undefined;
  const texts = new Map<string, string>();
  for (const text of given) {
    const equals = text.indexOf('=');
    if (equals < 1) throw new CommandError(exitCodes.usage, `--input ${text} is not NAME=VALUE`);
    texts.set(text.slice(0, equals), text.slice(equals + 1));
  }
  return { kind: 'texts', texts };
}

/** Is the command line all that is wrong? */
export function isCommandLineAlone(diagnostics: readonly Diagnostic[]): boolean {
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  return errors.length > 0 && errors.every(({ blames }) => blames === 'command-line');
}
