import { expandVariables } from '../expressions/expand-variables.ts';
import { variableLookup } from '../expressions/merge-variables.ts';
import { hideMasked } from '../model/hide-masked.ts';
import type { ForeignNeed } from '../model/pipeline.ts';
import type { JobNode } from '../model/plan.ts';
import type { NodeRun } from './node-run.ts';
import type { PipelineSchedule } from './pipeline-schedule.ts';
import type { EndedJob } from './scheduled-pipeline.ts';

/** What a job gets from other pipelines, or why that is not to be had. */
export type ForeignJobs =
  | { readonly kind: 'found'; readonly jobs: readonly EndedJob[] }
  | { readonly kind: 'missing'; readonly message: string };

/**
 * Finds the jobs of other pipelines that a job wants artifacts of. They are not waited for: what is not there when the job
 * is handed out is missing. Source: app/models/ci/build_dependencies.rb
 * @param schedules all pipelines of the run.
 */
export async function foreignJobs(
  schedule: PipelineSchedule,
  run: NodeRun,
  schedules: readonly PipelineSchedule[],
): Promise<ForeignJobs> {
  const node = run.node as JobNode;
  const needs = node.definition.foreignNeeds ?? [];
  if (needs.length === 0) return { kind: 'found', jobs: [] };
  const variables = schedule.specs.variables(node, run);
  const variable = variableLookup(variables);
  const expand = (text: string): string => expandVariables(text, variable);
  const jobs: EndedJob[] = [];
  for (const need of needs) {
    const found = need.kind === 'pipeline' ? inRun(need, expand, schedules) : await inProject(need, expand, schedule);
    if (typeof found === 'string') return { kind: 'missing', message: hideMasked(found, variables) };
    jobs.push(found);
  }
  return { kind: 'found', jobs };
}

function inRun(
  need: Extract<ForeignNeed, { readonly kind: 'pipeline' }>,
  expand: (text: string) => string,
  schedules: readonly PipelineSchedule[],
): EndedJob | string {
  const [id, job] = [expand(need.pipeline), expand(need.job)];
  const schedule = schedules.find(({ pipeline }) => pipeline.id === id);
  if (schedule === undefined) {
    const named =
      id === '' ? `\`${need.pipeline}\` is empty, so it names no pipeline` : `this run has no pipeline ${id}`;
    return `it needs artifacts of ${job}: ${named}; hand the parent's \`$CI_PIPELINE_ID\` on as a variable`;
  }
  const run = [...schedule.runs.values()].find(({ node }) => node.name === job);
  const ended = schedule.specs.endedJobNamed(job);
  // Of an earlier run is only known what it left.
  const has = run === undefined ? hasLeft(ended) : run.result?.status === 'success';
  if (ended !== undefined && has) return ended;
  const why = run === undefined ? 'does not have that job' : 'has it, but it has not succeeded yet';
  return `it needs artifacts of ${job}: pipeline ${id} ${why}`;
}

function hasLeft(job: EndedJob | undefined): boolean {
  return job !== undefined && job.outputs.artifacts.length + job.outputs.dotenv.length > 0;
}

async function inProject(
  need: Extract<ForeignNeed, { readonly kind: 'project' }>,
  expand: (text: string) => string,
  { pipeline }: PipelineSchedule,
): Promise<EndedJob | string> {
  const wanted = { project: expand(need.project), job: expand(need.job), ref: expand(need.ref) };
  const found = await pipeline.findElsewhere?.(wanted);
  return found ?? `it needs artifacts of ${wanted.job} of ${wanted.project}, which are not looked for here`;
}
