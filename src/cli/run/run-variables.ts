import type { PlanNode } from '../../model/plan.ts';
import type { Variable } from '../../model/variable.ts';
import { idTokens } from './id-tokens.ts';

/** Variables of a job that are known when it is handed out; `number` is its `CI_JOB_ID`. */
export type LateVariables = (node: PlanNode, number: number) => readonly Variable[];

/**
 * Variables of jobs that are only known when their pipeline runs: its id, and ID tokens.
 * @param given.stateDirectory where the key of this machine is kept.
 */
export function lateVariables(given: {
  readonly stateDirectory: string;
  readonly now: () => number;
}): (pipelineId: string) => LateVariables {
  return (pipelineId) => {
    const tokens = idTokens({ ...given, runId: pipelineId });
    const ids = ['CI_PIPELINE_ID', 'CI_PIPELINE_IID'].map((name) => ({ name, value: pipelineId, raw: true }));
    return (node, number) => {
      if (node.definition.facts !== undefined) return [];
      return node.kind === 'job' ? [...ids, ...tokens(node, number)] : ids;
    };
  };
}
