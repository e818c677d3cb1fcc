import type { Span } from '../../diagnostics/diagnostic.ts';
import type { BridgeDefinition, JobDefinition, Pipeline } from '../../model/pipeline.ts';
import type { FileLoader } from '../../model/ports.ts';
import type { Step, StepWhen } from '../../model/step.ts';
import type { MapEntry, MapNode } from '../../syntax/node.ts';
import type { Downstream } from '../dialect.ts';
import { strictMode } from '../strict-mode.ts';
import { readHandedParameters } from './handed-parameters.ts';
import { booleanOf } from './parameters.ts';
import type { Processed } from './process.ts';
import { entriesOf, entry, field, itemsOf, map, problem, type Reading, scalar, seq, textOf } from './reading.ts';
import { continueStep } from './stand-in.ts';
import { continueScript } from './stand-ins/continuation-orb.ts';

/** Where a job that continues the pipeline leaves what it goes on with, among its artifacts. */
export const handedOver = {
  configuration: 'continuation/configuration.yml',
  parameters: 'continuation/parameters.json',
} as const;

const nothingElse = { variables: [], echo: 'plain', background: false } as const;

/** The steps by which a job hands over a configuration and parameters. */
export function handOver(step: MapEntry, when: StepWhen): readonly Step[] {
  const variable = (name: string, key: string) => {
    const value = textOf(field(step.value, key)?.value) ?? '';
    return { name, value, raw: true, span: step.keySpan };
  };
  return [
    {
      ...{ kind: 'run', phase: 'script', when, name: 'Continue the pipeline', ...nothingElse },
      script: [strictMode, continueScript],
      variables: [variable('CONFIGURATION_PATH', 'configuration_path'), variable('PARAMETERS', 'parameters')],
    },
    {
      ...{ kind: 'upload-artifacts', phase: 'script', when, type: 'archive', reach: 'anywhere', untracked: false },
      paths: ['$CIRCLE_INTERNAL_SCRATCH/continuation'],
      exclude: [],
      destination: 'continuation',
    },
  ];
}

/** A job that continues the pipeline. */
interface Continuing {
  readonly definition: JobDefinition;
  /** Its name without the workflow's. */
  readonly job: string;
  readonly step: MapEntry;
}

/** A pipeline with bridges for what its jobs continue with, and what those start, by the bridge's name. */
export interface WithContinuations {
  readonly pipeline: Pipeline;
  readonly downstream: ReadonlyMap<string, Downstream>;
}

/**
 * A setup configuration with a bridge behind each job that continues it. Any other configuration stays as it is.
 * Source: https://circleci.com/docs/guides/orchestrate/dynamic-config/
 */
export async function withContinuations(
  pipeline: Pipeline,
  processed: Processed,
  root: MapNode,
  { files, reading }: { readonly files: FileLoader; readonly reading: Reading },
): Promise<WithContinuations> {
  const continuing = findContinuing(pipeline, processed);
  const setup = field(root, 'setup');
  if (setup === undefined || booleanOf(setup.value) !== true) {
    for (const { definition } of continuing) reportNotSetup(definition, reading);
    return { pipeline, downstream: new Map() };
  }
  checkSetup(pipeline, processed, setup, reading);
  if (continuing.length === 0 && !processed.workflows.some(({ jobs }) => jobs.some(lacksOrb))) {
    reportNotContinued(setup, reading);
  }
  for (const { definition } of continuing) checkCopies(definition, reading);
  const workflows = processed.workflows.map(({ name }) => name);
  const downstream = new Map<string, Downstream>();
  const bridges: BridgeDefinition[] = [];
  for (const [name, one] of namesOf(continuing)) {
    const rivals = continuing.filter((other) => other !== one).map(({ definition }) => definition.name);
    const expected = await expectedFile(one, files);
    bridges.push(bridgeOf(name, one, expected));
    downstream.set(name, { content: contentOf(one, { rivals, expected, root, reading, workflows }) });
  }
  const jobs = [...pipeline.jobs, ...bridges];
  const stages = [...new Set([...pipeline.stages, ...bridges.map(({ stage }) => stage.value)])];
  return { pipeline: { ...pipeline, jobs, stages }, downstream };
}

function lacksOrb({ missingOrbs }: { readonly missingOrbs: readonly string[] }): boolean {
  return missingOrbs.length > 0;
}

function findContinuing(pipeline: Pipeline, { workflows }: Processed): readonly Continuing[] {
  const definitions = new Map(pipeline.jobs.map((definition) => [definition.name, definition]));
  return workflows.flatMap((workflow) =>
    workflow.jobs.flatMap(({ name: job, body }) => {
      const definition = definitions.get(`${workflow.name}/${job}`);
      const steps = itemsOf(field(body, 'steps')?.value).flatMap((step) => entriesOf(step));
      const step = steps.find(({ key }) => key === continueStep);
      return definition === undefined || step === undefined ? [] : [{ definition, job, step }];
    }),
  );
}

/** Names of the bridges: short for the one that is usual. */
function namesOf(continuing: readonly Continuing[]): ReadonlyMap<string, Continuing> {
  const running = continuing.filter(({ definition }) => definition.leftOutBecause === undefined);
  const [only = continuing[0]] = running;
  const names = new Map<string, Continuing>();
  for (const one of continuing) {
    const short = running.length <= 1 && one === only ? 'continuation' : `continuation-${one.job}`;
    names.set(names.has(short) ? `continuation-${one.definition.name.replaceAll('/', '-')}` : short, one);
  }
  return names;
}

/** The file of the project that a job hands on, as far as one can tell from its name. */
async function expectedFile({ step }: Continuing, files: FileLoader): Promise<string | undefined> {
  const written =
    textOf(field(step.value, 'expected')?.value) ?? textOf(field(step.value, 'configuration_path')?.value);
  const mapping = textOf(field(step.value, 'mapping')?.value) ?? '';
  // A mapping of path filters may name other configurations, in lines of two or four words.
  const namesOthers = mapping
    .split('\n')
    .some((line) => !/^\s*#/.test(line) && [2, 4].includes(line.trim().split(/\s+/).length));
  if (!written || namesOthers || /^[/~]|[$*]/.test(written)) return undefined;
  const path = written.replace(/^(?:\.\/+)+/, '');
  const { value } = await files.local(path);
  return value?.length === 1 ? path : undefined;
}

function bridgeOf(name: string, { definition, step }: Continuing, expected: string | undefined): BridgeDefinition {
  const { span, leftOutBecause } = definition;
  const written = textOf(field(step.value, 'configuration_path')?.value);
  const file = { name: expected ?? (written || `what ${definition.name} leaves`), span, madeBy: definition.name };
  return {
    ...{ kind: 'bridge', name, span, stage: { value: 'continuation', span }, when: 'on_success' },
    ...{ variables: [], inheritVariables: true, interruptible: false },
    needs: [{ job: definition.name, span, artifacts: false, optional: false, statuses: ['terminal'] }],
    ...(leftOutBecause === undefined
      ? { includedBecause: `${definition.name} may continue the pipeline` }
      : { leftOutBecause }),
    trigger: {
      kind: 'child',
      strategy: 'mirror',
      forward: { yamlVariables: false, pipelineVariables: true },
      continues: true,
      files: [expected === undefined ? file : { ...file, expected: true }],
    },
  };
}

function contentOf(
  { definition, step }: Continuing,
  given: {
    readonly rivals: readonly string[];
    readonly expected: string | undefined;
    readonly root: MapNode;
    readonly reading: Reading;
    readonly workflows: readonly string[];
  },
): MapNode {
  const { span } = definition;
  const parameters = textOf(field(step.value, 'parameters')?.value) ?? '';
  // What holds a variable is only known to the job.
  const isLiteral = parameters.trimStart().startsWith('{') && !parameters.includes('$');
  const isKnown = isLiteral && readHandedParameters(parameters, () => span, given.reading) !== undefined;
  const declared = field(given.root, 'parameters')?.value;
  const names = (list: readonly string[]) =>
    seq(
      list.map((name) => scalar(name, span)),
      span,
    );
  return map(
    [
      entry('job', scalar(definition.name, span)),
      entry('rivals', names(given.rivals)),
      entry('workflows', names(given.workflows)),
      ...(given.expected === undefined ? [] : [entry('expected', scalar(given.expected, span))]),
      ...(isKnown ? [entry('parameters', scalar(parameters, span))] : []),
      ...(declared === undefined ? [] : [entry('declared', declared)]),
    ],
    span,
  );
}

function checkSetup(pipeline: Pipeline, { workflows }: Processed, setup: MapEntry, reading: Reading): void {
  const running = new Set(
    pipeline.jobs.flatMap(({ stage, leftOutBecause }) => (leftOutBecause === undefined ? [stage.value] : [])),
  );
  const second = workflows.filter(({ name }) => running.has(name))[1];
  if (second === undefined) return;
  const related = [{ message: 'this makes it a setup configuration', span: setup.keySpan }];
  const message = `of a setup configuration one workflow may run, and here ${[...running].join(' and ')} would`;
  const hint = 'put their jobs into one workflow, or give them conditions (`when`) that exclude each other';
  problem(reading, 'circle/setup', second.span, message, { related, hint });
}

function checkCopies(definition: JobDefinition, reading: Reading): void {
  if (definition.kind !== 'job' || definition.parallel === undefined) return;
  const message = `each copy of \`${definition.name}\` would continue the pipeline, which can be done once`;
  problem(reading, 'circle/setup', definition.span, message, { hint: 'leave `parallelism` out' });
}

function reportNotContinued({ keySpan: span }: MapEntry, reading: Reading): void {
  const message = 'no job of this setup configuration continues the pipeline in a way that is known here';
  const hint =
    'the orbs circleci/continuation and circleci/path-filtering do; what a script tells the service by itself is not seen';
  reading.report({ code: 'circle/setup', severity: 'warning', message, span, hint });
}

function reportNotSetup({ name, span }: { readonly name: string; readonly span: Span }, reading: Reading): void {
  const message = `\`${name}\` continues the pipeline, which only a job of a setup configuration can: nothing goes on here`;
  reading.report({ code: 'circle/setup', severity: 'warning', message, span, hint: 'write `setup: true` at the top' });
}
