import type { Span } from '../../diagnostics/diagnostic.ts';
import type { MapEntry, MapNode, Node } from '../../syntax/node.ts';
import { elementNames, type Namespace } from './elements.ts';
import { interpolate } from './interpolate.ts';
import { expandJob } from './jobs.ts';
import { type Leg, readMatrix } from './matrix.ts';
import { findCalledJob } from './overrides.ts';
import { argumentsOf } from './parameters.ts';
import { entriesOf, entry, field, itemsOf, map, problem, type Reading, suggestion, textOf } from './reading.ts';
import { type Requirement, type Requiring, resolveRequirements } from './requirements.ts';
import type { Scope } from './scope.ts';
import { expandSteps, givenSteps, type StepsShared } from './steps.ts';

/** What a workflow does with one job. */
export interface WorkflowJob {
  /** Unique in its workflow. */
  readonly name: string;
  /** What else it may be called, by whoever can only mean this one or all jobs of its entry: its matrix, the job that it calls. */
  readonly alsoCalled: readonly string[];
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
  'upstream',
]);

/** What a workflow's list of jobs is read with: the names it may use, values, and who expands the jobs. */
export interface WorkflowPlace {
  readonly root: Namespace;
  /** `job-groups` of the file by name. */
  readonly groups: ReadonlyMap<string, MapEntry>;
  /** What the workflow sees: values of the pipeline. */
  readonly scope: Scope;
  readonly reading: Reading;
  /** The expansion of one job; orbs that it lacks are told to `missing`. */
  readonly shared: (missing: Set<string>) => StepsShared;
}

type Draft = Omit<WorkflowJob, 'requires' | 'alsoCalled'> & Requiring;

/** The jobs of one workflow: matrices multiplied out, jobs expanded, names made unique, `requires` resolved. */
export function readWorkflowJobs(list: Node | undefined, place: WorkflowPlace): readonly WorkflowJob[] {
  let entries = 0;
  const read = (item: Node): readonly Draft[] => {
    const call = callOf(item, place);
    const group = call && place.groups.get(call.key);
    if (call === undefined || group === undefined) return call ? readCall(call, entries++, place) : [];
    const members = membersOf(group, place).flatMap((member) => readCall(member, entries++, place));
    return inGroup(members, call, group, place);
  };
  const drafts = numberTwins(itemsOf(list).flatMap(read));
  const requirements = resolveRequirements(drafts, place.reading);
  const names = new Set(drafts.map(({ name }) => name));
  return drafts.map(({ aliases, calls, entry: _, group, ...draft }, index) => ({
    ...draft,
    alsoCalled: [...aliases, calls, ...(group === undefined ? [] : [group])].filter((name) => !names.has(name)),
    requires: requirements[index]!,
  }));
}

/** An entry as a name with what is said of it; undefined: it is none, and that was told. */
function callOf(item: Node, { reading, scope }: WorkflowPlace): MapEntry | undefined {
  const called = item.kind === 'map' && item.entries.size === 1 ? [...item.entries.values()][0] : undefined;
  const written = called?.key ?? textOf(item);
  if (written === undefined) {
    const hint = 'indent what belongs to a job below its name';
    problem(reading, 'circle/workflow', item.span, 'an entry must be the name of a job, or a map with one key', {
      hint,
    });
    return undefined;
  }
  const name = textOf(interpolate({ kind: 'scalar', value: written, text: written, span: item.span }, scope, reading))!;
  return entry(name, called?.value ?? map([], item.span), called?.keySpan ?? item.span);
}

function readCall(call: MapEntry, index: number, place: WorkflowPlace): readonly Draft[] {
  const matrix = field(call.value, 'matrix');
  const { scope, reading } = place;
  if (matrix === undefined) return [{ ...readLeg(call, scope, undefined, place), entry: index }];
  return readMatrix(matrix, scope, reading).map((leg) => ({
    ...readLeg(call, { ...scope, matrix: leg.values }, leg, place),
    entry: index,
  }));
}

function membersOf(group: MapEntry, place: WorkflowPlace): readonly MapEntry[] {
  return itemsOf(field(group.value, 'jobs')?.value).flatMap((item) => {
    const call = callOf(item, place);
    if (call === undefined || !place.groups.has(call.key)) return call ?? [];
    const hint = 'list the jobs of that group instead';
    problem(place.reading, 'circle/workflow', call.keySpan, 'a group of jobs can not be part of another one', { hint });
    return [];
  });
}

const groupKeys: ReadonlySet<string> = new Set(['name', 'requires', 'filters', 'serial-group']);

/** The jobs of a group as the entry of a workflow calls it: what that requires, each of them does. */
function inGroup(
  members: readonly Draft[],
  call: MapEntry,
  group: MapEntry,
  { scope, reading }: WorkflowPlace,
): readonly Draft[] {
  for (const { key, keySpan } of entriesOf(call.value)) {
    if (groupKeys.has(key)) continue;
    const hint = `a group takes ${[...groupKeys].join(', ')}; say the rest to its jobs`;
    problem(reading, 'circle/workflow', keySpan, `the group \`${call.key}\` takes no \`${key}\``, { hint });
  }
  if (members.length === 0) {
    problem(reading, 'circle/workflow', group.keySpan, `the group \`${call.key}\` lists no jobs`);
  }
  const name = textOf(field(call.value, 'name')?.value) ?? call.key;
  const requires = requiredBy(call, scope);
  const filters = field(call.value, 'filters')?.value;
  const serialGroup = textOf(field(call.value, 'serial-group')?.value);
  return members.map((member) => ({
    ...member,
    group: name,
    requires: [...member.requires, ...requires],
    ...(filters === undefined || member.filters ? {} : { filters: interpolate(filters, scope, reading) }),
    ...(serialGroup === undefined ? {} : { serialGroup }),
  }));
}

function readLeg(call: MapEntry, scope: Scope, leg: Leg | undefined, place: WorkflowPlace): Omit<Draft, 'entry'> {
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
  if (rawName?.trim() === '') {
    problem(reading, 'circle/workflow', field(call.value, 'name')!.value.span, 'the name of a job must not be blank');
  }
  return {
    name: text('name') ?? textOf(leg?.values.get('name')) ?? `${call.key}${leg?.suffix ?? ''}`,
    calls: call.key,
    span: call.keySpan,
    type,
    requires: requiredBy(call, scope),
    contexts: contextsOf(field(call.value, 'context')?.value, scope, shared),
    aliases: leg === undefined ? [] : [alias ?? call.key, ...(rawName === undefined ? [] : [rawName])],
    missingOrbs: [...missing],
    ...(body === undefined ? {} : { body }),
    ...(filters === undefined ? {} : { filters: interpolate(filters, scope, reading) }),
    ...(serialGroup === undefined ? {} : { serialGroup }),
  };
}

function requiredBy({ value }: MapEntry, scope: Scope): Requiring['requires'] {
  const upstream = field(value, 'upstream')?.value;
  const required = field(value, 'requires')?.value;
  const list = required?.kind === 'scalar' ? [required] : itemsOf(required);
  return list.map((node) => ({ node, scope, ...(upstream === undefined ? {} : { upstream }) }));
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
  const found = findCalledJob(call, place.root, shared);
  if (found.kind === 'missing') {
    shared.missingOrb(found, call);
    return { type: 'build' };
  }
  if (found.kind === 'none') {
    reportUnknownJob(call, place, shared);
    return { type: 'build' };
  }
  const at = { home: place.root, scope, calls: [], shared };
  const given = new Map(givenSteps(found.element, argumentsOf(call.value, ownKeys), at));
  for (const [key, value] of leg?.values ?? []) {
    if (key === 'name') continue;
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
    scope,
    shared,
  );
  return { type: textOf(field(body, 'type')?.value) ?? 'build', body };
}

function reportUnknownJob(call: MapEntry, { root }: WorkflowPlace, { reading }: StepsShared): void {
  const hint = suggestion(reading, call.key, () => elementNames(root, 'job')) ?? 'define it under `jobs`';
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
