import type { Checked } from '../diagnostics/diagnostic.ts';
import { parseYaml } from '../syntax/parse.ts';
import type { Compiled, CompileInput, Dialect } from './dialect.ts';

/** An entry file whose text was parsed. */
export interface ParsedFile {
  readonly text: string;
  readonly parsed: ReturnType<typeof parseYaml>;
}

/** Parses the text of the entry file by the dialect's scalar rules, which needs no context. */
export function parseFile(dialect: Dialect, file: string, text: string): ParsedFile {
  return { text, parsed: parseYaml(file, text, dialect.scalars) };
}

/** Parses the entry file and compiles what stands in it. All diagnostics of all steps are in the result, in no particular order. */
export async function compileFile(dialect: Dialect, text: string, given: CompileInput): Promise<Checked<Compiled>> {
  return compileParsed(dialect, parseFile(dialect, given.file, text), given);
}

/** The second half of `compileFile`. */
export async function compileParsed(
  dialect: Dialect,
  { text, parsed: { value: documents, diagnostics } }: ParsedFile,
  given: CompileInput,
): Promise<Checked<Compiled>> {
  if (documents === undefined) return { value: undefined, diagnostics };
  const compiled = await dialect.compile({ text, documents }, given);
  return { value: compiled.value, diagnostics: [...diagnostics, ...compiled.diagnostics] };
}
