import type { Checked } from '../diagnostics/diagnostic.ts';
import { parseYaml } from '../syntax/parse.ts';
import type { Compiled, CompileInput, Dialect } from './dialect.ts';

/**
 * Compiles the text of the entry file: parses it by the dialect's scalar rules, takes the document that holds the
 * pipeline, and compiles that. All diagnostics of all steps are in the result, in no particular order.
 */
export async function compileFile(dialect: Dialect, text: string, given: CompileInput): Promise<Checked<Compiled>> {
  const documents = parseYaml(given.file, text, dialect.scalars);
  if (documents.value === undefined) return { value: undefined, diagnostics: documents.diagnostics };
  const content = dialect.selectDocument(documents.value);
  const before = [...documents.diagnostics, ...content.diagnostics];
  const nothing = { kind: 'scalar', value: null, text: '', span: { file: given.file, start: 0, end: 0 } } as const;
  const compiled = await dialect.compile(content.value ?? nothing, given);
  return { value: compiled.value, diagnostics: [...before, ...compiled.diagnostics] };
}
