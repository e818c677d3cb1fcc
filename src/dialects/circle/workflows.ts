import type { Span } from '../../diagnostics/diagnostic.ts';
import type { MapEntry, MapNode, Node } from '../../syntax/node.ts';
import { didYouMean } from '../../util/nearest.ts';
import { elementNames, findElement, type Namespace } from './elements.ts';
import { interpolate } from './interpolate.ts';
import { expandJob } from './jobs.ts';
import { type Leg, readMatrix } from './matrix.ts';
import { argumentsOf } from './parameters.ts';
import { entry, field, itemsOf, kindOf, map, problem, type Reading, textOf } from './reading.ts';
import type { PipelineValues, Scope } from './scope.ts';
import { expandSteps, givenSteps, type StepsShared } from './steps.ts';

/** What a workflow does with one job. */
export interface WorkflowJob {
  /** Unique in its workflow. */
  readonly name: string;
  readonly span: Span;
  /** `approval`: somebody has to open it; it has no body. Else the job's `type`. */
  readonly type: string;
  /** The job in words of version 2. Absent: an approval, or a job of an orb that can't be had. */
  readonly body?: MapNode;
  readonly requires: readonly Requirement[];
  readonly filters?: Node;
  readonly contexts: readonly string[];
  readonly serialGroup?: string;
  /** Orbs that it uses and that can't be had: it can't run. */
  readonly missingOrbs: readonly string[];
}

/** `requires`: a job and how it has to have ended. */
export interface Requirement {
  readonly name: string;
  readonly span: Span;
  /** Absent: `success`. */
  readonly statuses?: readonly string[];
}

const ownKeys: ReadonlySet<string> = new Set([
  'name',
  'requires',
  'context',
  'type',
  'filters',
  'matrix',
  'pre-steps',
  'post-steps',
  'serial-group',
  'override-with',
]);

export interface WorkflowPlace {
  readonly root: Namespace;
  readonly pipeline: PipelineValues;
  readonly isLiteral: boolean;
  readonly reading: Reading;
  /** The expansion of one job; orbs that it lacks are told to `missing`. */
  readonly shared: (missing: Set<string>) => StepsShared;
}

interface Draft extends Omit<WorkflowJob, 'requires'> {
  /** Names under which `requires` finds it, besides its own. */
  readonly aliases: readonly string[];
  readonly requires: readonly { readonly node: Node; readonly scope: Scope }[];
}

/** The jobs of one workflow: matrices multiplied out, jobs expanded, names made unique, `requires` resolved. */
export function readWorkflowJobs(list: Node | undefined, place: WorkflowPlace): readonly WorkflowJob[] {
  const drafts = numberTwins(itemsOf(list).flatMap((item) => readEntry(item, place)));
  return drafts.map(({ aliases: _, ...draft }) => ({
    ...draft,
    requires: draft.requires.flatMap((required) => resolve(required, drafts, place)),
  }));
}

function readEntry(item: Node, place: WorkflowPlace): readonly Draft[] {
  const base: Scope = { pipeline: place.pipeline, ...(place.isLiteral ? { isLiteral: true } : {}) };
  const { reading } = place;
  const called = item.kind === 'map' && item.entries.size === 1 ? [...item.entries.values()][0] : undefined;
  const written = called?.key ?? textOf(item);
  if (written === undefined) {
    const hint = 'indent what belongs to a job below its name';
    problem(reading, 'circle/workflow', item.span, 'an entry must be the name of a job, or a map with one key', {
      hint,
    });
    return [];
  }
  const name = textOf(interpolate({ kind: 'scalar', value: written, text: written, span: item.span }, base, reading))!;
  const call: MapEntry = entry(name, called?.value ?? map([], item.span), called?.keySpan ?? item.span);
  const matrix = field(call.value, 'matrix');
  if (matrix === undefined) return [readLeg(call, base, undefined, place)];
  return readMatrix(matrix, base, reading).map((leg) => readLeg(call, { ...base, matrix: leg.values }, leg, place));
}

function readLeg(call: MapEntry, scope: Scope, leg: Leg | undefined, place: WorkflowPlace): Draft {
  const missing = new Set<string>();
  const shared = place.shared(missing);
  const { reading } = shared;
  const text = (key: string): string | undefined => {
    const value = field(call.value, key)?.value;
    return value && textOf(interpolate(value, scope, reading));
  };
  const matrix = field(call.value, 'matrix');
  const alias = textOf(field(matrix?.value, 'alias')?.value);
  const rawName = textOf(field(call.value, 'name')?.value);
  const filters = field(call.value, 'filters')?.value;
  const serialGroup = text('serial-group');
  const { type, body } = expand(call, scope, leg, place, shared);
  return {
    name: text('name') ?? `${call.key}${leg?.suffix ?? ''}`,
    span: call.keySpan,
    type,
    requires: itemsOf(field(call.value, 'requires')?.value).map((node) => ({ node, scope })),
    contexts: contextsOf(field(call.value, 'context')?.value, scope, shared),
    aliases: leg === undefined ? [] : [alias ?? call.key, ...(rawName === undefined ? [] : [rawName])],
    missingOrbs: [...missing],
    ...(body === undefined ? {} : { body }),
    ...(filters === undefined ? {} : { filters: interpolate(filters, scope, reading) }),
    ...(serialGroup === undefined ? {} : { serialGroup }),
  };
}

function contextsOf(node: Node | undefined, scope: Scope, { reading }: StepsShared): readonly string[] {
  if (node === undefined) return [];
  const value = interpolate(node, scope, reading);
  return (value.kind === 'seq' ? value.items : [value]).flatMap((item) => textOf(item) ?? []);
}

function expand(
  call: MapEntry,
  scope: Scope,
  leg: Leg | undefined,
  place: WorkflowPlace,
  shared: StepsShared,
): { readonly type: string; readonly body?: MapNode } {
  const type = textOf(field(call.value, 'type')?.value);
  if (type === 'approval') return { type };
  const found = findElement(place.root, 'job', call.key);
  if (found.kind === 'missing') {
    shared.missingOrb(found.reference, call);
    return { type: 'build' };
  }
  if (found.kind === 'none') {
    reportUnknownJob(call, place, shared);
    return { type: 'build' };
  }
  const at = { home: place.root, scope, calls: [], shared };
  const given = new Map(givenSteps(found.element, argumentsOf(call.value, ownKeys), at));
  for (const [key, value] of leg?.values ?? []) {
    const keySpan = field(field(call.value, 'matrix')?.value, 'parameters')?.keySpan ?? call.keySpan;
    given.set(key, entry(key, value, keySpan));
  }
  const body = expandJob(
    {
      element: found.element,
      given,
      from: place.root,
      preSteps: expandSteps(field(call.value, 'pre-steps')?.value, at),
      postSteps: expandSteps(field(call.value, 'post-steps')?.value, at),
      span: call.keySpan,
    },
    place.pipeline,
    shared,
    place.isLiteral,
  );
  return { type: textOf(field(body, 'type')?.value) ?? 'build', body };
}

function reportUnknownJob(call: MapEntry, { root }: WorkflowPlace, { reading }: StepsShared): void {
  const hint = didYouMean(call.key, elementNames(root, 'job')) ?? 'define it under `jobs`';
  problem(reading, 'circle/unknown-job', call.keySpan, `there is no job \`${call.key}\``, { hint });
}

/** Jobs of one name get `-1`, `-2`, … behind it. Source: https://circleci.com/docs/reference/configuration-reference/#name */
function numberTwins(drafts: readonly Draft[]): readonly Draft[] {
  const counts = new Map<string, number>();
  for (const { name } of drafts) counts.set(name, (counts.get(name) ?? 0) + 1);
  const numbers = new Map<string, number>();
  return drafts.map((draft) => {
    if (counts.get(draft.name) === 1) return draft;
    const number = (numbers.get(draft.name) ?? 0) + 1;
    numbers.set(draft.name, number);
    return { ...draft, name: `${draft.name}-${number}`, aliases: [...draft.aliases, draft.name] };
  });
}

function resolve(
  { node, scope }: Draft['requires'][number],
  drafts: readonly Draft[],
  place: WorkflowPlace,
): readonly Requirement[] {
  const { reading } = place;
  const named = node.kind === 'map' && node.entries.size === 1 ? [...node.entries.values()][0] : undefined;
  const raw = named?.key ?? textOf(node);
  if (raw === undefined) {
    problem(reading, 'circle/workflow', node.span, `\`requires\` lists names of jobs, not ${kindOf(node)}`);
    return [];
  }
  const span = named?.keySpan ?? node.span;
  const statuses = named && statusesOf(named.value, place);
  const find = (name: string): readonly Draft[] => {
    const exact = drafts.filter((draft) => draft.name === name);
    return exact.length > 0 ? exact : drafts.filter((draft) => draft.aliases.includes(name));
  };
  const asWritten = scope.matrix === undefined ? find(raw) : [];
  const name =
    asWritten.length > 0 ? raw : textOf(interpolate({ kind: 'scalar', value: raw, text: raw, span }, scope, reading))!;
  const found = asWritten.length > 0 ? asWritten : find(name);
  if (found.length === 0) {
    const hint = didYouMean(
      name,
      drafts.map((draft) => draft.name),
    );
    const message = `\`requires\` names \`${name}\`, which is no job of this workflow`;
    problem(reading, 'circle/unknown-requirement', span, message, hint === undefined ? {} : { hint });
  }
  return found.map((draft) => ({ name: draft.name, span, ...(statuses === undefined ? {} : { statuses }) }));
}

const knownStatuses: ReadonlySet<string> = new Set([
  'success',
  'failed',
  'canceled',
  'not_run',
  'unauthorized',
  'terminal',
]);

function statusesOf(node: Node, place: WorkflowPlace): readonly string[] {
  const { reading } = place;
  return (node.kind === 'seq' ? node.items : [node]).flatMap((item) => {
    const text = textOf(item);
    if (text !== undefined && knownStatuses.has(text)) return [text];
    const hint = `a status is one of ${[...knownStatuses].join(', ')}`;
    problem(reading, 'circle/workflow', item.span, `\`requires\` knows no such status: ${kindOf(item)}`, { hint });
    return [];
  });
}
