import type { Checked, Diagnostic, Report } from '../../diagnostics/diagnostic.ts';
import { uniqueVariables } from '../../expressions/merge-variables.ts';
import type { Context } from '../../model/context.ts';
import { isJobOnly } from '../../model/job-only-variables.ts';
import type { Variable } from '../../model/variable.ts';
import type { Node } from '../../syntax/node.ts';
import { once } from '../../util/once.ts';
import type { Compiled, CompileInput, ParsedFile } from '../dialect.ts';
import { checkMerged } from './check-merged.ts';
import { checkUnused } from './check-unused.ts';
import { limitExpandedSize } from './expanded-size.ts';
import { resolveExtends } from './extends.ts';
import { type Includer, startIncluder } from './includer.ts';
import { mergeIncludes, ownProject } from './includes.ts';
import { isAbsent } from './merge.ts';
import { originsOf } from './origins.ts';
import { readDocument } from './read-document.ts';
import { readPipeline } from './read-pipeline.ts';
import { invalidValue, startReading, tidy } from './reading.ts';
import { resolveReferences } from './references.ts';
import { kindOf } from './values.ts';
import type { Vocabulary } from './vocabulary.ts';

/**
 * Compiles a file in GitLab's order: schema, includes, `extends`, `!reference`, defaults, jobs.
 * @returns no value when the file holds no map at all; else the pipeline as far as it could be read.
 */
export async function compile(
  file: ParsedFile,
  given: CompileInput,
  vocabulary: Vocabulary,
): Promise<Checked<Compiled>> {
  const diagnostics: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => void diagnostics.push(diagnostic);
  const { context, files } = given;
  const variable = knownVariables(context);
  const known = { context, variable: (name: string): string | undefined => variable(name)?.value };
  const includer = startIncluder({ vocabulary, files, known, variable, report, ...given.limits });
  const entry = await selectEntry(file, given, includer);
  if (entry?.kind !== 'map') {
    if (entry !== undefined) tellNoMap(entry, given.file, report);
    return { value: undefined, diagnostics };
  }
  const isFile = given.entryIs !== 'bridge';
  const merged = await mergeIncludes(includer, isFile ? { path: given.file, node: entry } : { node: entry });
  const { incomplete } = merged;
  const used = new Set<string>();
  const extended = resolveExtends(merged.root, { report, incomplete, used });
  const resolved = resolveReferences(extended, { report, incomplete, used });
  const bounded = limitExpandedSize(resolved, report);
  const reading = startReading(report, { incomplete });
  const read = readPipeline(bounded, given, vocabulary, reading);
  if (given.remarks === 'all') checkUnused(merged.root, given.file, used, reading);
  const originOf = originsOf(merged.read, merged.root);
  const value = { ...read, config: withUnread(read.config, merged.unread), originOf };
  const told = tidy(diagnostics);
  return { value, diagnostics: [...told, ...checkMerged(merged.root, bounded, vocabulary.schema, told)] };
}

/** The variables that are known before a file is read; looked up once, when they are asked for first. */
function knownVariables(context: Context): (name: string) => Variable | undefined {
  const byName = once(() => {
    const predefined = context.predefined.filter(({ name }) => !isJobOnly(name));
    const all = uniqueVariables(predefined, context.projectVariables, context.pipelineVariables);
    return new Map(all.map((variable) => [variable.name, variable]));
  });
  return (name) => byName().get(name);
}

function tellNoMap(entry: Node, file: string, report: Report): void {
  if (isAbsent(entry)) {
    report({ code: 'gitlab/no-content', severity: 'error', message: `\`${file}\` is empty`, span: entry.span });
    return;
  }
  const reading = startReading(report, { incomplete: false });
  invalidValue(reading, entry.span, `\`${file}\` must hold a map of jobs, not ${kindOf(entry)}`);
}

/** The document of the entry file that holds the pipeline; undefined: none can be used, and that was told. */
async function selectEntry(file: ParsedFile, given: CompileInput, includer: Includer): Promise<Node | undefined> {
  const { inputs, includedAt } = given;
  const { value } = await readDocument(
    includer,
    {
      path: given.file,
      source: file.text,
      documents: file.documents,
      ...(inputs === undefined ? {} : { inputs }),
      ...(includedAt === undefined ? {} : { includedAt }),
    },
    { chain: [given.file], origin: ownProject },
  );
  return value;
}

/** Keeps in the merged file what it still lacks, so that it says so itself. */
function withUnread(config: Node, unread: readonly Node[]): Node {
  const [first] = unread;
  if (first === undefined || config.kind !== 'map') return config;
  const value: Node = { kind: 'seq', items: unread, span: first.span };
  const include = { key: 'include', keySpan: first.span, value };
  return { ...config, entries: new Map([['include', include], ...config.entries]) };
}
