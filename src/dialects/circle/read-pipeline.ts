import type { Span } from '../../diagnostics/diagnostic.ts';
import type { ApprovalDefinition, JobDefinition, Pipeline, ScriptJobDefinition } from '../../model/pipeline.ts';
import type { Step } from '../../model/step.ts';
import type { VariableDefinition } from '../../model/variable.ts';
import type { MapNode } from '../../syntax/node.ts';
import type { CompileInput } from '../dialect.ts';
import { readContainers } from './containers.ts';
import { type DecidedJob, decideJobs, workflowLeftOut } from './decide.ts';
import { readEnvironment } from './environment.ts';
import type { Processed, Workflow } from './process.ts';
import { circleciPrograms } from './program/circleci-program.ts';
import { readSteps } from './read-steps.ts';
import { field, itemsOf, kindOf, problem, type Reading, textOf } from './reading.ts';
import type { PipelineValues } from './scope.ts';
import { circleVariables, facts, jobVariables } from './variables.ts';

/** What all jobs of a configuration are read with. */
interface Surroundings {
  readonly workflow: Workflow;
  readonly reading: Reading;
  readonly platform: string | undefined;
}

/**
 * The jobs of all workflows in the model's words. A job is called `workflow/job`, as everywhere in events and results.
 * Jobs of workflows that don't run, and those that filters keep out, are there with the reason.
 */
export function readPipeline(
  processed: Processed,
  given: CompileInput,
  pipeline: PipelineValues,
  reading: Reading,
): Pipeline {
  const { context } = given;
  const named = given.workflows ?? [];
  const hasScheduled = processed.workflows.some(({ isScheduled }) => isScheduled);
  const jobs = processed.workflows.flatMap((workflow) => {
    const leftOut = workflowLeftOut(workflow, context, named, hasScheduled);
    const because = leftOut === undefined ? undefined : `workflow \`${workflow.name}\`: ${leftOut}`;
    const decided =
      because === undefined
        ? decideJobs(workflow, context.git, { pipeline }, reading)
        : workflow.jobs.map((job) => ({ job, verdict: { kind: 'out', because } as const, requires: job.requires }));
    return decided.map((each) => readJob(each, { workflow, reading, platform: given.platform }));
  });
  return {
    file: given.file,
    stages: processed.workflows.map(({ name }) => name),
    variables: [],
    predefined: circleVariables(context),
    workflow: { autoCancelOnJobFailure: 'none' },
    jobs,
    incomplete: false,
  };
}

function readJob({ job, verdict, requires }: DecidedJob, { workflow, reading, platform }: Surroundings): JobDefinition {
  const own = jobVariables(workflow.name, job.name).map((variable) => ({ ...variable, span: job.span }));
  const base = {
    name: `${workflow.name}/${job.name}`,
    span: job.span,
    stage: { value: workflow.name, span: workflow.span },
    needs: requires.map(({ name, span, statuses }) => ({
      job: `${workflow.name}/${name}`,
      span,
      artifacts: false,
      optional: false,
      ...(statuses === undefined ? {} : { statuses }),
    })),
    inheritVariables: true,
    facts,
    interruptible: false,
    ...(verdict.kind === 'out' ? { leftOutBecause: verdict.because } : {}),
    ...(job.serialGroup === undefined ? {} : { resourceGroup: job.serialGroup }),
  };
  if (job.type === 'approval') {
    return {
      ...base,
      kind: 'approval',
      when: 'manual',
      allowFailure: false,
      variables: own,
    } satisfies ApprovalDefinition;
  }
  const body = job.body === undefined ? undefined : readBody(job.body, reading);
  const refusal = refusalOf(job.missingOrbs, job.body, platform);
  return {
    ...base,
    kind: 'job',
    when: 'on_success',
    variables: [...own, ...nodeVariables(body?.parallel, job.span), ...(body?.variables ?? [])],
    services: body?.services ?? [],
    servicesReachedBy: 'localhost',
    serviceVariables: 'own',
    directory: body?.directory ?? defaultDirectory,
    steps: refusal === undefined ? (body?.steps ?? []) : [refusal],
    programs: circleciPrograms,
    retry: { max: 0 },
    tags: [],
    ...(body?.image === undefined ? {} : { image: body.image }),
    ...(body?.parallel === undefined ? {} : { parallel: body.parallel }),
  } satisfies ScriptJobDefinition;
}

interface Body extends Pick<ScriptJobDefinition, 'image' | 'services' | 'steps' | 'parallel' | 'directory'> {
  readonly variables: readonly VariableDefinition[];
}

function readBody(body: MapNode, reading: Reading): Body {
  const docker = field(body, 'docker');
  const containers = docker && readContainers(docker, reading);
  const environment = field(body, 'environment');
  const shell = textOf(field(body, 'shell')?.value);
  const directory = directoryOf(body);
  const steps = readSteps(itemsOf(field(body, 'steps')?.value), reading, shell === undefined ? {} : { shell });
  const parallel = parallelOf(body, reading);
  return {
    services: containers?.services ?? [],
    variables: [
      ...(containers?.variables ?? []),
      ...(environment === undefined ? [] : readEnvironment(environment, reading)),
    ],
    steps,
    ...(directory === undefined ? {} : { directory }),
    ...(containers === undefined ? {} : { image: containers.image }),
    ...(parallel === undefined ? {} : { parallel }),
  };
}

/** Source: https://circleci.com/docs/reference/configuration-reference/#jobs */
const defaultDirectory = '~/project';

/** A relative one is taken to be below the home. */
function directoryOf(body: MapNode): string | undefined {
  const written = textOf(field(body, 'working_directory')?.value)?.trim();
  if (written === undefined || written === '') return undefined;
  return /^(?:\/|~(?:\/|$))/.test(written) ? written : `~/${written}`;
}

function nodeVariables(parallel: ScriptJobDefinition['parallel'], span: Span): readonly VariableDefinition[] {
  const total = parallel?.kind === 'count' ? parallel.count : 1;
  return [
    { name: 'CIRCLE_NODE_INDEX', value: '0', raw: true, span },
    { name: 'CIRCLE_NODE_TOTAL', value: String(total), raw: true, span },
  ];
}

function parallelOf(body: MapNode, reading: Reading): ScriptJobDefinition['parallel'] {
  const found = field(body, 'parallelism');
  if (found === undefined) return undefined;
  const count = Number(textOf(found.value));
  if (!Number.isInteger(count) || count < 1) {
    const message = `\`parallelism\` must be a whole number from 1 on, not ${kindOf(found.value)}`;
    problem(reading, 'circle/wrong-type', found.value.span, message);
    return undefined;
  }
  const index = { name: 'CIRCLE_NODE_INDEX', first: 0 };
  return count === 1 ? undefined : { kind: 'count', count, index, span: found.keySpan };
}

/** A step in place of all others, for a job that can't be run on this machine. */
function refusalOf(
  missingOrbs: readonly string[],
  body: MapNode | undefined,
  platform: string | undefined,
): Step | undefined {
  const refuse = (message: string, hint: string): Step => ({
    kind: 'refuse',
    phase: 'prepare',
    when: 'always',
    reason: 'runner_unsupported',
    message,
    hint,
  });
  if (missingOrbs.length > 0) {
    const [first] = missingOrbs;
    const hint = `\`ci fetch\` reads them, or put the source of \`${first}\` into \`.circleci/orbs\``;
    return refuse(`the job is made of orbs that can't be had: ${missingOrbs.join(', ')}`, hint);
  }
  if (body !== undefined && field(body, 'macos') !== undefined && platform !== 'darwin') {
    return refuse('the job runs on macOS, and this machine does not', 'run it on a Mac');
  }
  return undefined;
}
