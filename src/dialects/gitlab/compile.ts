import type { Checked, Diagnostic } from '../../diagnostics/diagnostic.ts';
import { variableLookup } from '../../expressions/merge-variables.ts';
import { isJobOnly } from '../../model/job-only-variables.ts';
import type { Node } from '../../syntax/node.ts';
import { once } from '../../util/once.ts';
import type { Compiled, CompileInput } from '../dialect.ts';
import { checkMerged } from './check-merged.ts';
import { checkUnused } from './check-unused.ts';
import { limitExpandedSize } from './expanded-size.ts';
import { resolveExtends } from './extends.ts';
import { mergeIncludes } from './includes.ts';
import { isAbsent } from './merge.ts';
import { originsOf } from './origins.ts';
import { readPipeline } from './read-pipeline.ts';
import { invalidValue, startReading, tidy } from './reading.ts';
import { resolveReferences } from './references.ts';
import { kindOf } from './values.ts';
import type { Vocabulary } from './vocabulary.ts';

/**
 * Compiles a file in GitLab's order: schema, includes, `extends`, `!reference`, defaults, jobs.
 * @returns no value when the file holds no map at all; else the pipeline as far as it could be read.
 */
export async function compile(entry: Node, given: CompileInput, vocabulary: Vocabulary): Promise<Checked<Compiled>> {
  const diagnostics: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => void diagnostics.push(diagnostic);
  if (entry.kind !== 'map') {
    if (isAbsent(entry)) {
      const message = `\`${given.file}\` is empty`;
      report({ code: 'gitlab/no-content', severity: 'error', message, span: entry.span });
    } else {
      const reading = startReading(report, { incomplete: false });
      invalidValue(reading, entry.span, `\`${given.file}\` must hold a map of jobs, not ${kindOf(entry)}`);
    }
    return { value: undefined, diagnostics };
  }
  const { context, files } = given;
  const lookup = once(() => {
    const predefined = context.predefined.filter(({ name }) => !isJobOnly(name));
    return variableLookup(predefined, context.projectVariables, context.pipelineVariables);
  });
  const variable = (name: string): string | undefined => lookup()(name);
  const merged = await mergeIncludes(given.entryIs === 'bridge' ? { node: entry } : { path: given.file, node: entry }, {
    vocabulary,
    files,
    known: { context, variable },
    report,
    ...given.limits,
  });
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

/** Keeps in the merged file what it still lacks, so that it says so itself. */
function withUnread(config: Node, unread: readonly Node[]): Node {
  const [first] = unread;
  if (first === undefined || config.kind !== 'map') return config;
  const value: Node = { kind: 'seq', items: unread, span: first.span };
  const include = { key: 'include', keySpan: first.span, value };
  return { ...config, entries: new Map([['include', include], ...config.entries]) };
}
