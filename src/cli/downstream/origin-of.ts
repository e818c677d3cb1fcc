import type { Selection } from '../../model/plan.ts';
import type { LoadedPipeline } from '../load-pipeline.ts';
import type { Origin } from './make-downstream.ts';
import type { OpenProject } from './open-project.ts';

/** The first pipeline of a run, as what its bridges start is made of it. The pipeline must be valid. */
export function originOf(
  loaded: LoadedPipeline,
  given: { readonly selection: Selection; readonly pipelineId: string; readonly open: OpenProject },
): Origin {
  const { dialect, compiled, context, files, limits, file, name, sources } = loaded;
  const shared = { dialect, context, files, limits, sources, name, given: loaded.given };
  if (compiled === undefined) throw new Error(`${name} was not compiled`);
  const { project, git } = context;
  const ancestry = [`${project.path.toLowerCase()}@${git.tag ?? git.branch ?? ''}`];
  return { ...given, ...shared, compiled, root: file.root, depth: 0, ancestry };
}
