import type { Checked, Diagnostic } from '../../diagnostics/diagnostic.ts';
import { child, type Node } from '../../syntax/node.ts';
import { validateSchema } from '../../syntax/validate.ts';
import { take } from './keyword.ts';
import { spec } from './keywords/spec.ts';
import { startReading, tidy } from './reading.ts';

/**
 * The document of a file that holds the pipeline: the second where the first is a `spec:` header, else the first.
 * Source: https://docs.gitlab.com/ci/yaml/#header-keywords
 */
export function selectDocument(documents: readonly Node[]): Checked<Node> {
  const [first, second] = documents;
  if (first?.kind !== 'map' || child(first, 'spec') === undefined) return { value: first, diagnostics: [] };
  const diagnostics: Diagnostic[] = [...validateSchema(first, 'gitlab')];
  const reading = startReading((diagnostic) => diagnostics.push(diagnostic), { incomplete: false });
  take(first, spec, reading);
  return { value: second, diagnostics: tidy(diagnostics) };
}
