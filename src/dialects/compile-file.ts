import type { Checked } from '../diagnostics/diagnostic.ts';
import { parseYaml } from '../syntax/parse.ts';
import type { Compiled, CompileInput, Dialect } from './dialect.ts';

/**
 * Compiles the text of the entry file: parses it by the dialect's scalar rules and compiles what stands in it. All
 * diagnostics of all steps are in the result, in no particular order.
 */
export async function compileFile(dialect: Dialect, text: string, given: CompileInput): Promise<Checked<Compiled>> {
  const { value: documents, diagnostics } = parseYaml(given.file, text, dialect.scalars);
  if (documents === undefined) return { value: undefined, diagnostics };
  const compiled = await dialect.compile({ text, documents }, given);
  return { value: compiled.value, diagnostics: [...diagnostics, ...compiled.diagnostics] };
}
