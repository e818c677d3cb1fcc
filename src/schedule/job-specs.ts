import type { Dependency, JobSpec } from '../model/job-spec.ts';
import type { Outputs } from '../model/outcome.ts';
import type { JobNode, Plan } from '../model/plan.ts';
import { ancestorsOf } from './ancestors.ts';
import { makeJobSpec } from './make-job-spec.ts';
import type { NodeRun } from './node-run.ts';
import type { PlanSourceOptions } from './plan-source-options.ts';

/** Makes what is handed out for a job. */
export interface JobSpecs {
  /** @param run has its number and attempt already. */
  of(node: JobNode, run: NodeRun): JobSpec;
}

/** Specs of one run: what earlier jobs left goes into those of later ones. */
export function jobSpecs(plan: Plan, runs: ReadonlyMap<string, NodeRun>, options: PlanSourceOptions): JobSpecs {
  /** A job of this run that ran, or one of an earlier run. */
  const endedJob = (id: string): { readonly dependency: Dependency; readonly outputs: Outputs } | undefined => {
    const run = runs.get(id);
    if (run === undefined) {
      const earlier = options.earlier?.get(id);
      return earlier && { dependency: { id, name: earlier.name }, outputs: earlier.outputs };
    }
    if (run.number === undefined || run.state !== 'ended') return undefined;
    const dependency = { id, name: run.node.name, number: run.number, attempt: run.attempts };
    return { dependency, outputs: run.outputs };
  };
  return {
    of(node, run) {
      const number = run.number!;
      const given = node.artifactsFrom.flatMap((id) => endedJob(id) ?? []);
      const wantsWorkspace = node.definition.steps.some(({ kind }) => kind === 'attach-workspace');
      return makeJobSpec(node, {
        runId: options.runId,
        projectPath: options.projectPath,
        source: options.source,
        attempt: run.attempts,
        number,
        variables: options.variables?.(node, number) ?? [],
        dotenv: given.flatMap(({ outputs }) => outputs.dotenv),
        dependencies: given.map(({ dependency }) => dependency),
        workspaceFrom: wantsWorkspace ? ancestorsOf(node, plan.nodes) : [],
      });
    },
  };
}
