import type { Selection } from '../../model/plan.ts';
import type { LoadedPipeline } from '../load-pipeline.ts';
import type { Origin } from './make-downstream.ts';

/** The first pipeline of a run, as what its bridges start is made of it. The pipeline must be valid. */
export function originOf(loaded: LoadedPipeline, selection: Selection, pipelineId: string): Origin {
  const { dialect, compiled, context, files, limits, file, name, sources } = loaded;
  if (compiled === undefined) throw new Error(`${name} was not compiled`);
  return { dialect, compiled, context, files, limits, root: file.root, sources, name, pipelineId, depth: 0, selection };
}
