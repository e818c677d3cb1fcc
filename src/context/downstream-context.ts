import type { Context } from '../model/context.ts';
import type { Variable } from '../model/variable.ts';
import { once } from '../util/once.ts';

/** What a pipeline that another one starts knows of it. */
export interface Upstream {
  /** `CI_PIPELINE_ID` of the pipeline that the bridge is in. */
  readonly pipelineId: string;
  /** `CI_JOB_ID` of the bridge. */
  readonly jobId: string;
}

/** Only for pipelines that nobody else has started. */
const ofFirstPipeline: ReadonlySet<string> = new Set([
  'CI_PIPELINE_SCHEDULE_DESCRIPTION',
  'CI_PIPELINE_TRIGGERED',
  'CI_TRIGGER_SHORT_TOKEN',
]);

/**
 * The context of a pipeline that a bridge starts, made of its parent's (`parent_pipeline`: same ref, same commit, same
 * merge request) or of one for a push to the other project (`pipeline`).
 * Source: app/models/ci/bridge.rb (`child_params`, `cross_project_params`), lib/gitlab/ci/variables/builder/pipeline.rb
 * @param given.variables what the bridge hands on: they count like variables of a pipeline that is started by hand.
 */
export function downstreamContext(
  context: Context,
  given: {
    readonly source: 'parent_pipeline' | 'pipeline';
    readonly pipelineId: string;
    readonly upstream: Upstream;
    readonly variables: readonly Variable[];
  },
): Context {
  const { source, pipelineId, upstream, variables } = given;
  const changed = new Map<string, string>([
    ['CI_PIPELINE_SOURCE', source],
    ['CI_PIPELINE_ID', pipelineId],
    ['CI_PIPELINE_IID', pipelineId],
    ['CI_UPSTREAM_PIPELINE_ID', upstream.pipelineId],
    ['CI_UPSTREAM_JOB_ID', upstream.jobId],
    ['CI_UPSTREAM_PROJECT_ID', '1'],
  ]);
  const predefined = once(() => [
    ...context.predefined
      .filter(({ name }) => !changed.has(name) && !ofFirstPipeline.has(name))
      .map((variable) => (variable.name === 'CI_PIPELINE_URL' ? withLastPart(variable, pipelineId) : variable)),
    ...[...changed].map(([name, value]) => ({ name, value, raw: true })),
  ]);
  // Nothing is looked up for a file that wants nothing of it.
  return {
    source,
    get git() {
      return context.git;
    },
    get project() {
      return context.project;
    },
    get predefined() {
      return predefined();
    },
    get projectVariables() {
      return context.projectVariables;
    },
    pipelineVariables: variables,
    get query() {
      return context.query;
    },
  };
}

function withLastPart(variable: Variable, part: string): Variable {
  return { ...variable, value: variable.value.replace(/[^/]*$/, part) };
}
