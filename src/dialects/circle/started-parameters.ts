import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import type { Node } from '../../syntax/node.ts';
import { booleanOf, type Declaration, type Declarations, typeName } from './parameters.ts';
import { type Reading, scalar, suggestion } from './reading.ts';

const nowhere = { file: '', start: 0, end: 0 };

/** What the command line gives for parameters of the pipeline. */
export interface StartedParameters {
  /** Values of `--param` by name. */
  readonly texts: ReadonlyMap<string, string>;
  /** Whose mistake it is when they are wrong. */
  readonly wrongIs: Pick<Diagnostic, 'blames' | 'span'>;
}

/** The values, each as its declaration wants it. What is unknown or does not fit is told. */
export function startedParameters(
  declared: Declarations,
  { texts, wrongIs }: StartedParameters,
  reading: Reading,
): ReadonlyMap<string, Node> {
  const parameters = new Map<string, Node>();
  const wrong = (message: string, more: Pick<Diagnostic, 'code'> & Partial<Diagnostic>): void =>
    reading.report({ severity: 'error', message, ...wrongIs, ...more });
  for (const [name, text] of texts) {
    const declaration = declared.get(name);
    if (declaration === undefined) {
      const hint = suggestion(reading, name, () => declared.keys()) ?? declaredNames(declared);
      wrong(`--param ${name}: the pipeline has no such parameter`, { code: 'circle/unexpected-argument', hint });
      continue;
    }
    const value = valueFor(declaration, text);
    if (value !== undefined) {
      parameters.set(name, value);
      continue;
    }
    const related = [{ message: 'declared here', span: declaration.span }];
    const message = `--param ${name} must be ${typeName(declaration)}, not \`${text.slice(0, 60)}\``;
    wrong(message, { code: 'circle/wrong-type', related });
  }
  return parameters;
}

function declaredNames(declared: Declarations): string {
  const names = [...declared.keys()];
  return names.length === 0 ? 'the file declares none under `parameters`' : `it has ${names.slice(0, 10).join(', ')}`;
}

/** All that the command line gives is text; undefined: it is none of the declared type. */
function valueFor({ type, options }: Declaration, text: string): Node | undefined {
  switch (type) {
    case 'integer':
      return /^-?\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? scalar(Number(text), nowhere) : undefined;
    case 'boolean': {
      const value = booleanOf(scalar(text, nowhere));
      return value === undefined ? undefined : scalar(value, nowhere);
    }
    case 'enum':
      return options.includes(text) ? scalar(text, nowhere) : undefined;
    default:
      return scalar(text, nowhere);
  }
}
