import { Composer, type Document, Parser, type YAMLError } from 'yaml';
import type { Checked, Diagnostic } from '../diagnostics/diagnostic.ts';
import { convertDocument } from './convert.ts';
import { defaultParseLimits, type ParseLimits } from './limits.ts';
import { lineIndex } from './line-index.ts';
import { findTooDeep } from './nesting.ts';
import type { Node } from './node.ts';
import type { ScalarRules } from './scalars.ts';
import { describeYamlError, isEcho } from './yaml-error.ts';

export type { ScalarRules } from './scalars.ts';

/** At most so many errors of one file are told; those behind a broken place are mostly its consequences. */
const maxYamlErrors = 5;

const composerOptions = {
  version: '1.2',
  schema: 'failsafe',
  resolveKnownTags: false,
  keepSourceTokens: false,
  uniqueKeys: false,
  merge: false,
  strict: false,
  prettyErrors: false,
  logLevel: 'silent',
} as const;

function refused(code: Diagnostic['code'], file: string, at: number, message: string): Checked<readonly Node[]> {
  const span = { file, start: at, end: at + 1 };
  return { value: undefined, diagnostics: [{ code, severity: 'error', message, span }] };
}

function tooBig(text: string, maxBytes: number): boolean {
  // A UTF-16 unit takes one to three bytes of UTF-8: only in between does it have to be counted.
  if (text.length > maxBytes) return true;
  return text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes;
}

/** One error a line, the first of it, in file order, without those that only come of one before. */
function yamlErrors(errors: readonly YAMLError[], file: string, text: string): Diagnostic[] {
  const lines = lineIndex(text);
  const seen = new Set<number>();
  const diagnostics: Diagnostic[] = [];
  for (const error of [...errors].sort((a, b) => a.pos[0] - b.pos[0])) {
    const { line } = lines.position(error.pos[0]);
    if (seen.has(line) || (diagnostics.length > 0 && isEcho(error))) continue;
    seen.add(line);
    diagnostics.push(describeYamlError(error, file, text));
    if (diagnostics.length === maxYamlErrors) break;
  }
  return diagnostics;
}

/**
 * Parses one YAML file into one node per document (a `spec:` header may come first; an empty file is one null node).
 * Anchors, aliases and merge keys are resolved: an alias gives the very node of its anchor.
 * @param file the path as the user knows it, for the spans.
 * @param rules how plain scalars are read.
 * @returns no value when there is any error; warnings (duplicate keys, unknown tags) leave the value.
 */
export function parseYaml(
  file: string,
  text: string,
  rules: ScalarRules,
  limits: ParseLimits = defaultParseLimits,
): Checked<readonly Node[]> {
  if (tooBig(text, limits.maxBytes)) {
    return refused('syntax/too-large', file, 0, `the file is larger than ${limits.maxBytes} bytes`);
  }
  // One more than the limit: a scalar behind a dash counts as a level there; the conversion counts exactly.
  const deepAt = findTooDeep(text, limits.maxDepth + 1);
  if (deepAt !== undefined) {
    return refused('syntax/too-deep', file, deepAt, `nested deeper than ${limits.maxDepth} levels`);
  }
  const documents: Document[] = [];
  const errors: YAMLError[] = [];
  for (const document of new Composer(composerOptions).compose(new Parser().parse(text), true, text.length)) {
    documents.push(document as Document);
    errors.push(...document.errors);
  }
  if (errors.length > 0) return { value: undefined, diagnostics: yamlErrors(errors, file, text) };

  const nodes: Node[] = [];
  const diagnostics: Diagnostic[] = [];
  let failed = false;
  for (const document of documents) {
    const converted = convertDocument(document, { file, text, rules, limits });
    diagnostics.push(...converted.diagnostics);
    if (converted.value === undefined) failed = true;
    else nodes.push(converted.value);
  }
  return { value: failed ? undefined : nodes, diagnostics };
}
