import { codeQualityReport } from '../../diagnostics/code-quality.ts';
import { type Diagnostic, hasErrors } from '../../diagnostics/diagnostic.ts';
import { githubAnnotations } from '../../diagnostics/github-annotations.ts';
import { jsonDiagnostics } from '../../diagnostics/json-diagnostics.ts';
import type { Sources } from '../../diagnostics/locate.ts';
import { printDiagnostics } from '../../diagnostics/print-diagnostics.ts';
import { sarifLog } from '../../diagnostics/sarif.ts';
import { diagnosticSummary } from '../../diagnostics/summary.ts';
import { checkPresence } from '../../plan/check-presence.ts';
import { checkReferences } from '../../plan/check-references.ts';
import { exitCodes } from '../exit-code.ts';
import { isCommandLineAlone } from '../input-arguments.ts';
import { type Invocation, print, printJson } from '../invocation.ts';
import { loadPipeline } from '../load-pipeline.ts';
import type { FileOptions } from '../options.ts';
import { diagnosticPaint, paintFor } from '../report-diagnostics.ts';

/** Options of `ci lint`; `strict`: warnings alone end it with exit 1 too. */
export interface LintOptions extends FileOptions {
  readonly format: 'text' | 'json' | 'sarif' | 'github' | 'codequality';
  readonly strict?: boolean;
}

interface Checked {
  readonly file: string;
  readonly sources: Sources;
  readonly diagnostics: readonly Diagnostic[];
}

/** `ci lint [FILE…]`: checks files and tells all that is wrong. Runs nothing of them and needs no network. */
export async function lint(invocation: Invocation, files: readonly string[], options: LintOptions): Promise<number> {
  const names = files.length > 0 ? files : [options.file];
  const checked: Checked[] = [];
  for (const file of names) {
    const loaded = await loadPipeline(
      invocation,
      { ...options, ...(file === undefined ? {} : { file }) },
      { facts: 'when wanted', remarks: 'all' },
    );
    const pipeline = loaded.compiled?.pipeline;
    const found = pipeline === undefined ? [] : [...checkReferences(pipeline), ...checkPresence(pipeline)];
    // The facts of the repository are only looked up for children, so not where there are none.
    const hasChildren = pipeline?.jobs.some((job) => job.kind === 'bridge' && job.trigger.kind === 'child');
    const below = hasChildren ? await (await import('../downstream/lint-children.ts')).lintChildren(loaded) : [];
    const diagnostics = [...loaded.diagnostics, ...found, ...below];
    checked.push({ file: loaded.name, sources: loaded.sources, diagnostics });
  }
  const diagnostics = checked.flatMap((one) => one.diagnostics);
  await printFindings(invocation, checked, options);
  if (isCommandLineAlone(diagnostics)) return exitCodes.usage;
  return hasErrors(diagnostics) || (options.strict && diagnostics.length > 0) ? exitCodes.failed : exitCodes.ok;
}

async function printFindings(invocation: Invocation, checked: readonly Checked[], options: LintOptions): Promise<void> {
  const diagnostics = checked.flatMap((one) => one.diagnostics);
  // Files are named relative to their project's root; one invocation has one project in all but odd cases.
  const sources: Sources = (file) => {
    for (const one of checked) {
      const text = one.sources(file);
      if (text !== undefined) return text;
    }
    return undefined;
  };
  switch (options.format) {
    case 'json':
      return printJson(invocation, {
        schema: 'ci/1',
        files: checked.map(({ file }) => file),
        diagnostics: jsonDiagnostics(diagnostics, sources),
      });
    case 'sarif':
      return print(invocation.stdout, sarifLog(diagnostics, sources, invocation.version));
    case 'codequality':
      return print(invocation.stdout, codeQualityReport(diagnostics, sources));
    case 'github':
      return print(invocation.stdout, githubAnnotations(diagnostics, sources));
    case 'text': {
      const paint = await paintFor(invocation, invocation.stdout, options.color);
      const text = printDiagnostics(diagnostics, { sources, paint: diagnosticPaint(paint) });
      const gap = text === '' ? '' : '\n';
      return print(invocation.stdout, `${text}${gap}${diagnosticSummary(diagnostics, checked.length)}\n`);
    }
  }
}
