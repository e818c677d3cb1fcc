import type { Checked, Diagnostic, Span } from '../../diagnostics/diagnostic.ts';
import { validators } from '../../syntax/generated/circle-validators.js';
import type { Node } from '../../syntax/node.ts';
import { validateSections } from '../../syntax/validate.ts';
import type { Compiled, CompileInput, Dialect, ParsedFile } from '../dialect.ts';
import { readOrbFiles } from './orb-files.ts';
import { pipelineValues } from './pipeline-values.ts';
import { processConfig } from './process.ts';
import { readPipeline } from './read-pipeline.ts';
import { kindOf, type Reading, scalar } from './reading.ts';

/** `.circleci/config.yml`. */
export const circle: Dialect = {
  name: 'circle',
  scalars: 'yaml-1.2',
  compile,
};

async function compile({ documents }: ParsedFile, given: CompileInput): Promise<Checked<Compiled>> {
  const [entry = { ...scalar(null, { file: given.file, start: 0, end: 0 }) }] = documents;
  const diagnostics: Diagnostic[] = [];
  const told = new Set<string>();
  const reading: Reading = {
    // One place may be expanded many times.
    report: (diagnostic) => {
      const { code, span, message } = diagnostic;
      const identity = `${code} ${span?.file} ${span?.start} ${message}`;
      if (told.has(identity)) return;
      told.add(identity);
      diagnostics.push(diagnostic);
    },
  };
  if (entry.kind !== 'map') {
    const span = { ...entry.span, end: Math.max(entry.span.end, entry.span.start + 1) };
    const message = `the configuration must be a map, not ${kindOf(entry)}`;
    reading.report({ code: 'circle/wrong-type', severity: 'error', message, span });
    return { value: undefined, diagnostics };
  }
  const form = validateSections(entry, validators.circle);
  const nowhere = { file: given.file, start: 0, end: 0 };
  const parameters = new Map([...(given.parameters ?? [])].map(([name, text]) => [name, plainScalar(text, nowhere)]));
  const pipeline = pipelineValues(entry, given.context, parameters, reading);
  const orbFile = await readOrbFiles(entry, given.files, reading.report);
  const processed = processConfig(entry, { pipeline, orbFile, reading });
  const value: Compiled = {
    pipeline: readPipeline(processed, given, pipeline, reading),
    config: processed.config,
    downstream: new Map(),
    originOf: (_, span) => ({ span }),
  };
  return { value, diagnostics: [...form, ...diagnostics.filter((one) => !form.some((other) => saysSame(one, other)))] };
}

/** A value from the command line as YAML would read it, so that numbers and booleans are some. */
function plainScalar(text: string, span: Span): Node {
  const isPlain = /^(?:-?\d+|true|false)$/.test(text);
  return { ...scalar(isPlain ? (JSON.parse(text) as number | boolean) : text, span), text };
}

const formCodes: ReadonlySet<string> = new Set([
  'circle/job',
  'circle/matrix',
  'circle/parameter',
  'circle/step',
  'circle/wrong-type',
]);

/** What the schema has named once is not told again. */
function saysSame({ code, span }: Diagnostic, { span: told }: Diagnostic): boolean {
  if (!formCodes.has(code) || span === undefined || told === undefined || span.file !== told.file) return false;
  return span.start < told.end && told.start < span.end;
}
