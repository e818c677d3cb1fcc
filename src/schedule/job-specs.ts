import type { JobSpec } from '../model/job-spec.ts';
import type { BridgeNode, JobNode } from '../model/plan.ts';
import type { Variable } from '../model/variable.ts';
import { dispatchVariables, makeJobSpec } from './make-job-spec.ts';
import type { NodeRun } from './node-run.ts';
import type { EndedJob, ScheduledPipeline } from './scheduled-pipeline.ts';

/** Makes what is handed out for a job. */
export interface JobSpecs {
  /**
   * @param run has its number and attempt already.
   * @param elsewhere jobs of other pipelines whose artifacts it gets.
   */
  of(node: JobNode, run: NodeRun, elsewhere?: readonly EndedJob[]): JobSpec;
  /** Variables of a job, expanded. @param run has its number already. */
  variables(node: JobNode | BridgeNode, run: NodeRun): readonly Variable[];
  /** What a bridge can hand on, expanded. @param run has its number already. */
  bridge(
    node: BridgeNode,
    run: NodeRun,
  ): { readonly variables: readonly Variable[]; readonly dotenv: readonly Variable[] };
  /** A job of this pipeline that ran, or one of an earlier run. */
  endedJob(id: string): EndedJob | undefined;
  /** The same by the job's name, which it has in all runs. */
  endedJobNamed(name: string): EndedJob | undefined;
}

/** Specs of one pipeline: what earlier jobs left goes into those of later ones. */
export function jobSpecs(
  pipeline: ScheduledPipeline,
  runs: ReadonlyMap<string, NodeRun>,
  { runId }: { readonly runId: string },
): JobSpecs {
  const endedJob = (id: string): EndedJob | undefined => {
    const run = runs.get(id);
    if (run === undefined) {
      const earlier = pipeline.earlier?.get(id);
      return earlier && { dependency: { id, name: earlier.name }, outputs: earlier.outputs };
    }
    if (run.number === undefined || run.state !== 'ended') return undefined;
    const dependency = { id, name: run.node.name, number: run.number, attempt: run.attempts };
    return { dependency, outputs: run.outputs };
  };
  const endedJobNamed = (name: string): EndedJob | undefined => {
    const here = [...runs.values()].find(({ node }) => node.name === name);
    if (here !== undefined) return endedJob(here.node.id);
    for (const [id, earlier] of pipeline.earlier ?? []) if (earlier.name === name) return endedJob(id);
    return undefined;
  };
  const givenTo = (node: JobNode | BridgeNode): readonly EndedJob[] =>
    node.artifactsFrom.flatMap((id) => endedJob(id) ?? []);
  const known = (node: JobNode | BridgeNode, run: NodeRun, given: readonly EndedJob[]) => ({
    number: run.number!,
    variables: pipeline.variables?.(node, run.number!) ?? [],
    dotenv: given.flatMap(({ outputs }) => outputs.dotenv),
  });
  return {
    endedJob,
    endedJobNamed,
    variables: (node, run) => dispatchVariables(node, known(node, run, givenTo(node)), { as: 'final' }),
    of(node, run, elsewhere = []) {
      const given = [...givenTo(node), ...elsewhere];
      return makeJobSpec(node, {
        ...known(node, run, given),
        runId,
        projectPath: pipeline.projectPath,
        source: pipeline.source,
        repository: pipeline.repository,
        attempt: run.attempts,
        dependencies: given.map(({ dependency }) => dependency),
        workspaceFrom: (node.workspaceFrom ?? []).map(({ id, after }) => ({ id, name: id, after })),
      });
    },
    bridge: (node, run) => {
      const late = known(node, run, givenTo(node));
      return { variables: dispatchVariables(node, late, { as: 'final' }), dotenv: late.dotenv };
    },
  };
}
