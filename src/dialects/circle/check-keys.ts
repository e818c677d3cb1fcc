import type { Severity } from '../../diagnostics/diagnostic.ts';
import type { Node } from '../../syntax/node.ts';
import { didYouMean } from '../../util/nearest.ts';
import { type CirclePlace, language } from './language.ts';
import { entriesOf, type Reading } from './reading.ts';

/** Tells keys that a place does not know. @param what whose keys they are: ``the job `build` ``. */
export function checkKeys(
  node: Node | undefined,
  place: CirclePlace,
  what: string,
  reading: Reading,
  severity: Severity = 'warning',
): void {
  const known = language[place];
  for (const { key, keySpan } of entriesOf(node)) {
    if (Object.hasOwn(known, key) || key.includes('<<')) continue;
    const hint = didYouMean(key, Object.keys(known)) ?? `known are ${Object.keys(known).sort().join(', ')}`;
    const message = `${what} has no key \`${key}\``;
    reading.report({ code: 'circle/unknown-key', severity, message, span: keySpan, hint });
  }
}
