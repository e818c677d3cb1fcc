import type { Checked, Diagnostic } from '../../diagnostics/diagnostic.ts';
import { child, type Node } from '../../syntax/node.ts';
import { validateSchema } from '../../syntax/validate.ts';
import { fillInputs } from './inputs.ts';
import { take } from './keyword.ts';
import { spec } from './keywords/spec.ts';
import { startReading, tidy } from './reading.ts';

/** The pipeline of a file, its inputs filled in. */
export interface SelectedDocument extends Checked<Node> {
  /** The file has a header, so what comes out depends on the inputs that it is included with. */
  readonly hasHeader: boolean;
}

/**
 * The document of a file that holds the pipeline: the second where the first is a `spec:` header, else the first.
 * Source: https://docs.gitlab.com/ci/yaml/#header-keywords
 * @param inputs what an include gives the file.
 */
export function selectDocument(documents: readonly Node[], inputs?: Node): SelectedDocument {
  const [first, second] = documents;
  if (first?.kind !== 'map' || child(first, 'spec') === undefined) {
    return { value: first, diagnostics: [], hasHeader: false };
  }
  const diagnostics: Diagnostic[] = [...validateSchema(first, 'gitlab')];
  const reading = startReading((diagnostic) => diagnostics.push(diagnostic), { incomplete: false });
  take(first, spec, reading);
  const value = second && fillInputs(second, first, inputs);
  return { value, diagnostics: tidy(diagnostics), hasHeader: true };
}
