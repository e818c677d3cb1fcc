import type { Span } from '../../diagnostics/diagnostic.ts';
import type { ApprovalDefinition, JobDefinition, Pipeline, ScriptJobDefinition } from '../../model/pipeline.ts';
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
import { isArmClass, type Machine, refusalOf } from './refusals.ts';
import { readMaxReruns } from './reruns.ts';
import type { PipelineValues } from './scope.ts';
import { circleVariables, facts, jobVariables } from './variables.ts';
import type { WorkflowJob } from './workflows.ts';

/** What all jobs of a configuration are read with. */
interface Surroundings {
  readonly workflow: Workflow;
  readonly reading: Reading;
  readonly machine: Machine;
  /** How often the workflow may be run again from where it failed. */
  readonly maxReruns: number;
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
    const machine = { platform: given.platform, arch: given.arch };
    const reruns = workflow.settings.find(({ key }) => key === 'max_auto_reruns');
    const maxReruns = readMaxReruns(reruns, reading);
    return decided.map((each) => readJob(each, { workflow, maxReruns, reading, machine }));
  });
  return {
    file: given.file,
    stages: processed.workflows.map(({ name }) => name),
    variables: [],
    givenVariables: 'below',
    predefined: circleVariables(context),
    workflow: { autoCancelOnJobFailure: 'none' },
    jobs,
    incomplete: false,
  };
}

/** Types of job in which nothing is run: gates, nodes that shape the graph, and what only the service can do. */
const stepless: ReadonlySet<string> = new Set(['approval', 'no-op', 'release', 'lock', 'unlock']);

function readJob(
  { job, verdict, requires }: DecidedJob,
  { workflow, reading, machine, maxReruns }: Surroundings,
): JobDefinition {
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
    alsoCalled: [job.name, ...job.alsoCalled.flatMap((name) => [name, `${workflow.name}/${name}`])],
    ...(verdict.kind === 'out' ? { leftOutBecause: verdict.because } : { includedBecause: verdict.because }),
    ...(job.serialGroup === undefined ? {} : { resourceGroup: job.serialGroup }),
  };
  if (stepless.has(job.type) && field(job.body, 'steps') === undefined) {
    tellUndone(job, reading);
    const when = job.type === 'approval' ? 'manual' : 'on_success';
    return { ...base, kind: 'approval', when, allowFailure: false, variables: own } satisfies ApprovalDefinition;
  }
  const body = job.body === undefined ? undefined : readBody(job.body, reading);
  const refusal = refusalOf(job.missingOrbs, job.body, machine);
  return {
    ...base,
    kind: 'job',
    when: 'on_success',
    variables: [...own, ...nodeVariables(body?.parallel, job.span), ...(body?.variables ?? [])],
    services: body?.services ?? [],
    servicesReachedBy: 'localhost',
    serviceVariables: 'own',
    directory: body?.directory ?? defaultDirectory,
    ...(job.contexts.length === 0 ? {} : { variableSets: job.contexts }),
    steps: refusal === undefined ? (body?.steps ?? []) : [refusal],
    programs: circleciPrograms,
    retry: maxReruns === 0 ? { max: 0 } : { max: maxReruns, counts: 'way' },
    tags: [],
    ...(body?.image === undefined ? {} : { image: body.image }),
    ...(body?.parallel === undefined ? {} : { parallel: body.parallel }),
  } satisfies ScriptJobDefinition;
}

function tellUndone({ type, name, span }: WorkflowJob, reading: Reading): void {
  const undone = Object.hasOwn(onlyThere, type) ? onlyThere[type] : undefined;
  if (undone === undefined) return;
  const message = `the job \`${name}\` does nothing here: ${undone}`;
  reading.report({ code: 'circle/not-run', severity: 'warning', message, span });
}

const onlyThere: Readonly<Record<string, string>> = {
  release: 'a release is started by the service',
  lock: 'locks are held by the service',
  unlock: 'locks are held by the service',
};

interface Body extends Pick<ScriptJobDefinition, 'image' | 'services' | 'steps' | 'parallel' | 'directory'> {
  readonly variables: readonly VariableDefinition[];
}

function readBody(body: MapNode, reading: Reading): Body {
  const docker = field(body, 'docker');
  const isArm = isArmClass(textOf(field(body, 'resource_class')?.value));
  const containers = docker && readContainers(docker, isArm ? 'linux/arm64' : undefined, reading);
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

/** As many as the plan makes of one job: what was left out would be tests that nobody runs. */
const mostCopies = 200;

function parallelOf(body: MapNode, reading: Reading): ScriptJobDefinition['parallel'] {
  const found = field(body, 'parallelism');
  if (found === undefined) return undefined;
  const count = Number(textOf(found.value));
  if (!Number.isInteger(count) || count < 1) {
    const message = `\`parallelism\` must be a whole number from 1 on, not ${kindOf(found.value)}`;
    problem(reading, 'circle/wrong-type', found.value.span, message);
    return undefined;
  }
  if (count > mostCopies) {
    const hint = 'share the work out to fewer jobs';
    const message = `\`parallelism\` can be ${mostCopies} at most here, and this is ${count}`;
    problem(reading, 'circle/wrong-type', found.value.span, message, { hint });
    return undefined;
  }
  const index = { name: 'CIRCLE_NODE_INDEX', first: 0 };
  return count === 1 ? undefined : { kind: 'count', count, index, span: found.keySpan };
}
