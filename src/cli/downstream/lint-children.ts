import { downstreamContext } from '../../context/downstream-context.ts';
import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import type { BridgeDefinition } from '../../model/pipeline.ts';
import { checkReferences } from '../../plan/check-references.ts';
import type { LoadedPipeline } from '../load-pipeline.ts';
import { defaultSelection } from '../load-plan.ts';
import { mostNested, type Origin } from './make-downstream.ts';
import { originOf } from './origin-of.ts';

/** Nothing is planned, and no other project is looked at. */
const forLint = { selection: defaultSelection, pipelineId: '1', open: async () => undefined };

/**
 * What is wrong with the files of child pipelines, whatever rules say; those that jobs make are not known. Each thing is told once,
 * however many bridges lead to it.
 */
export async function lintChildren(loaded: LoadedPipeline): Promise<readonly Diagnostic[]> {
  const found = new Map<string, Diagnostic>();
  const visit = async (parent: Origin): Promise<void> => {
    if (parent.depth >= mostNested) return;
    for (const job of parent.compiled.pipeline.jobs) {
      if (job.kind !== 'bridge' || job.trigger.kind !== 'child') continue;
      if (job.trigger.files.some(({ madeBy, expected }) => madeBy !== undefined && !expected)) continue;
      const child = await compileChild(parent, job);
      if (child === undefined) continue;
      for (const diagnostic of child.diagnostics) {
        const { code, span, message } = diagnostic;
        found.set(JSON.stringify([code, span?.file, span?.start, message]), diagnostic);
      }
      if (child.origin !== undefined) await visit(child.origin);
    }
  };
  await visit(originOf(loaded, forLint));
  return [...found.values()];
}

async function compileChild(
  parent: Origin,
  job: BridgeDefinition,
): Promise<{ readonly diagnostics: readonly Diagnostic[]; readonly origin?: Origin } | undefined> {
  const content = parent.compiled.downstream.get(job.name)?.content;
  if (content === undefined) return undefined;
  const { pipelineId, files, limits, dialect, depth } = parent;
  const continues = job.trigger.kind === 'child' && job.trigger.continues;
  const context = continues
    ? parent.context
    : downstreamContext(parent.context, {
        source: 'parent_pipeline',
        pipelineId,
        upstream: { pipelineId, jobId: '1' },
        variables: [...parent.compiled.pipeline.variables, ...job.variables],
      });
  const name = job.trigger.kind === 'child' ? job.trigger.files.map((file) => file.name).join(', ') : '';
  const { value, diagnostics } = await dialect.compile(
    { text: '', documents: [content] },
    { ...(continues ? parent.given : {}), file: name, entryIs: 'bridge', files, context, limits },
  );
  if (value === undefined) return { diagnostics };
  const origin: Origin = { ...parent, compiled: value, context, name, depth: depth + 1 };
  return { diagnostics: [...diagnostics, ...checkReferences(value.pipeline)], origin };
}
