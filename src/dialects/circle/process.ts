import type { Span } from '../../diagnostics/diagnostic.ts';
import type { MapEntry, MapNode, Node } from '../../syntax/node.ts';
import { checkFile } from './check-file.ts';
import { holds } from './condition.ts';
import { type MissingOrb, type Namespace, type OrbFile, readNamespace } from './elements.ts';
import { interpolate } from './interpolate.ts';
import { vendorPath } from './orb-files.ts';
import { booleanOf } from './parameters.ts';
import { printedConfig } from './print-config.ts';
import {
  entriesOf,
  field,
  isNothing,
  itemsOf,
  kindOf,
  map,
  problem,
  type Reading,
  scalar,
  seq,
  textOf,
} from './reading.ts';
import type { PipelineValues, Scope } from './scope.ts';
import { mostSteps, type StepsShared } from './steps.ts';
import { readWorkflowJobs, type WorkflowJob, type WorkflowPlace } from './workflows.ts';

/** A configuration with everything that is decided when it is compiled: what CircleCI calls processed. */
export interface Processed {
  readonly workflows: readonly Workflow[];
  /** The same in words of version 2 of the language, for people to compare. */
  readonly config: MapNode;
  /** It defines things for others (the source of an orb) and has nothing to run itself. */
  readonly isLibrary: boolean;
}

/** One workflow of a configuration. */
export interface Workflow {
  readonly name: string;
  readonly span: Span;
  readonly jobs: readonly WorkflowJob[];
  /** Set when `when` or `unless` leaves it out. */
  readonly leftOutBecause?: string;
  /** It has `triggers`, so it runs by schedule alone. */
  readonly isScheduled: boolean;
  /** What version 2 says of a workflow besides its jobs. */
  readonly settings: readonly MapEntry[];
}

/** What a configuration is compiled with, besides its own text. */
export interface ProcessInput {
  readonly pipeline: PipelineValues;
  readonly orbFile: OrbFile;
  readonly reading: Reading;
}

/**
 * Compiles a configuration to what version 2 of the language can say. Nothing of it is run.
 * @param root with its references to orbs filled in: see `withOrbReferences`.
 */
export function processConfig(root: MapNode, given: ProcessInput): Processed {
  const { reading } = given;
  const scope: Scope = { pipeline: given.pipeline, ...(versionOf(root, reading) === 2 ? { isLiteral: true } : {}) };
  // A key of old that the service still fills in.
  const agent = field(root, 'build_agent')?.value;
  if (agent !== undefined) interpolate(agent, { pipeline: given.pipeline }, reading);
  const namespace = readNamespace(root, '', given.orbFile, reading);
  const expanded = new WeakSet<Node>();
  const left = { steps: mostSteps.file };
  const place: WorkflowPlace = {
    root: namespace,
    groups: new Map(entriesOf(field(root, 'job-groups')?.value).map((each) => [each.key, each])),
    scope,
    reading,
    shared: (missing): StepsShared => ({
      reading,
      expanded,
      left: { job: mostSteps.job, file: left },
      missingOrb: (orb, { key, keySpan }) => {
        missing.add(orb.reference);
        reportMissingOrb(orb, key, keySpan, reading);
      },
    }),
  };
  const workflows = readWorkflows(root, place, namespace, reading);
  checkFile(root, namespace, scope, reading);
  const isLibrary = workflows.length === 0 && looksLikeOrb(root, namespace);
  if (workflows.length === 0 && !isLibrary) reportNothingToRun(root, reading);
  return {
    workflows,
    config: printedConfig(workflows, root, scope.isLiteral === true ? 'as-written' : 'compiled'),
    isLibrary,
  };
}

function versionOf(root: MapNode, reading: Reading): 2 | 2.1 {
  const version = field(root, 'version');
  const text = textOf(version?.value);
  if (text === '2' || text === '2.0') {
    const setup = field(root, 'setup');
    if (booleanOf(setup?.value) === true) {
      const message = 'a setup configuration must be of version 2.1';
      problem(reading, 'circle/version', version!.value.span, message, { hint: 'write `version: 2.1`' });
    }
    return 2;
  }
  if (text !== '2.1') {
    const span = version?.value.span ?? { ...root.span, end: Math.min(root.span.start + 1, root.span.end) };
    const message = version === undefined ? 'there is no `version`' : `there is no version ${kindOf(version.value)}`;
    problem(reading, 'circle/version', span, message, { hint: 'write `version: 2.1`' });
  }
  return 2.1;
}

function readWorkflows(
  root: MapNode,
  place: WorkflowPlace,
  namespace: Namespace,
  reading: Reading,
): readonly Workflow[] {
  const section = field(root, 'workflows');
  if (section === undefined) return withoutWorkflows(root, place, namespace);
  if (section.value.kind !== 'map') {
    problem(
      reading,
      'circle/wrong-type',
      section.value.span,
      `\`workflows\` must be a map, not ${kindOf(section.value)}`,
    );
    return [];
  }
  return entriesOf(section.value).flatMap((each) => {
    if (each.key === 'version' && each.value.kind === 'scalar') return [];
    return readWorkflow(each, place, reading);
  });
}

function readWorkflow(each: MapEntry, place: WorkflowPlace, reading: Reading): readonly Workflow[] {
  const jobs = field(each.value, 'jobs');
  if (jobs?.value.kind !== 'seq' || itemsOf(jobs.value).length === 0) {
    problem(reading, 'circle/workflow', each.keySpan, `the workflow \`${each.key}\` lists no jobs`);
    return [];
  }
  const judging = { of: 'workflow', reading, scope: place.scope } as const;
  const wanted = each.value.kind === 'map' ? each.value.entries.get('when')?.value : undefined;
  const unwanted = each.value.kind === 'map' ? each.value.entries.get('unless')?.value : undefined;
  const isWanted = wanted === undefined || holds(wanted, judging);
  const isUnwanted = unwanted !== undefined && holds(unwanted, judging);
  const leftOutBecause = isWanted ? (isUnwanted ? '`unless` holds' : undefined) : "`when` doesn't hold";
  return [
    {
      name: each.key,
      span: each.keySpan,
      jobs: readWorkflowJobs(jobs.value, place),
      isScheduled: itemsOf(field(each.value, 'triggers')?.value).length > 0,
      settings: ['triggers', 'max_auto_reruns'].flatMap((key) => {
        const found = field(each.value, key);
        return found === undefined ? [] : [{ ...found, value: interpolate(found.value, place.scope, reading) }];
      }),
      ...(leftOutBecause === undefined ? {} : { leftOutBecause }),
    },
  ];
}

/** A configuration without workflows runs the job `build`. */
function withoutWorkflows(root: MapNode, place: WorkflowPlace, namespace: Namespace): readonly Workflow[] {
  const build = namespace.elements.job.get('build');
  if (build === undefined) return [];
  const { keySpan } = field(field(root, 'jobs')?.value, 'build')!;
  const jobs = readWorkflowJobs(seq([scalar('build', keySpan)], keySpan), place);
  return [{ name: 'workflow', span: keySpan, jobs, isScheduled: false, settings: [] }];
}

const orbKeys = ['name', 'description', 'display', 'examples'];

function looksLikeOrb(root: MapNode, { elements }: Namespace): boolean {
  return elements.job.size === 0 || orbKeys.some((key) => !isNothing(field(root, key)?.value));
}

function reportNothingToRun(root: MapNode, reading: Reading): void {
  const jobs = field(root, 'workflows') ?? field(root, 'jobs');
  const span = jobs?.keySpan ?? { ...root.span, end: Math.min(root.span.start + 1, root.span.end) };
  const hint = 'list the jobs to run under `workflows`, or call the one job `build`';
  problem(reading, 'circle/nothing-to-run', span, 'there is neither a workflow nor a job `build`', { hint });
}

/** Versions of orbs may be parameters of the pipeline; an orb in place has its own scope. */
export function withOrbReferences(root: MapNode, pipeline: PipelineValues, reading: Reading): MapNode {
  const orbs = field(root, 'orbs');
  if (orbs === undefined) return root;
  const filled = entriesOf(orbs.value).map((each) =>
    each.value.kind === 'scalar' ? { ...each, value: interpolate(each.value, { pipeline }, reading) } : each,
  );
  return map([...root.entries.values(), { ...orbs, value: map(filled, orbs.value.span) }], root.span);
}

function reportMissingOrb({ reference, why, hint }: MissingOrb, what: string, span: Span, reading: Reading): void {
  const isDeclared = reference.includes('/');
  const path = vendorPath(reference);
  const state = isDeclared
    ? why === undefined
      ? 'is not on this machine'
      : `can't be had: ${why}`
    : 'is not declared';
  const usual = isDeclared ? '`ci fetch` reads it, or' : 'declare it under `orbs`, or';
  reading.report({
    code: 'circle/missing-orb',
    severity: 'warning',
    message: `\`${what}\` is of the orb \`${reference}\`, which ${state}`,
    span,
    hint: why !== undefined && hint !== undefined ? hint : `${usual} put its source into \`${path}\``,
  });
}
