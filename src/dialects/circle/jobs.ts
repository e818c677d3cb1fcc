import type { Span } from '../../diagnostics/diagnostic.ts';
import { type MapEntry, type MapNode, type Node, withoutKeys } from '../../syntax/node.ts';
import type { Element, Namespace } from './elements.ts';
import { environmentKinds, overExecutor, resolveExecutor } from './executors.ts';
import { interpolate } from './interpolate.ts';
import { bindArguments } from './parameters.ts';
import { entry, field, map, problem, seq, textOf } from './reading.ts';
import { insideOf, type Scope } from './scope.ts';
import { expandSteps, type StepsShared } from './steps.ts';

/** A job as an entry of a workflow calls it. */
export interface JobCall {
  readonly element: Element;
  /** Filled in and, for lists of steps, expanded. */
  readonly given: ReadonlyMap<string, MapEntry>;
  /** Where the arguments come from. */
  readonly from: Namespace;
  readonly preSteps: readonly Node[];
  readonly postSteps: readonly Node[];
  readonly span: Span;
}

const compileTimeOnly: ReadonlySet<string> = new Set(['parameters', 'description', 'executor', 'steps']);

/** The job with its parameters, executor and commands put in: what version 2 of the language knows. */
export function expandJob(call: JobCall, around: Scope, shared: StepsShared): MapNode {
  const { element, given } = call;
  const { reading } = shared;
  const outer = insideOf(element, around);
  const what = `the job \`${element.name}\``;
  const parameters = bindArguments(element.declared, given, { what, span: call.span, scope: outer }, reading);
  const scope: Scope = { ...outer, parameters, ...(around.matrix === undefined ? {} : { matrix: around.matrix }) };
  const own = interpolate(withoutKeys(element.node, compileTimeOnly), scope, reading) as MapNode;
  const named = field(element.node, 'executor');
  const executor = named && resolveExecutor(named, homesFor(named, call), scope, shared);
  const settings = executor === undefined ? own : overExecutor(executor, own);
  const type = textOf(field(settings, 'type')?.value) ?? 'build';
  if (type !== 'build' && !(type === 'release' && field(element.node, 'steps') !== undefined)) return settings;
  if (named === undefined || executor !== undefined) checkEnvironment(settings, call, shared);
  const place = { home: element.home, scope, calls: [], shared };
  const steps = [...call.preSteps, ...expandSteps(field(element.node, 'steps')?.value, place), ...call.postSteps];
  if (field(element.node, 'steps') === undefined && steps.length === 0) {
    problem(reading, 'circle/job', element.node.span, `the job \`${element.name}\` has no \`steps\``);
  }
  checkEngines(steps, call, scope, shared);
  return map([...settings.entries.values(), entry('steps', seq(steps, element.node.span))], settings.span);
}

/** A job has one remote engine. */
function checkEngines(steps: readonly Node[], { element }: JobCall, scope: Scope, { reading }: StepsShared): void {
  const isEngine = (step: Node): boolean =>
    step.kind === 'map' ? step.entries.has('setup_remote_docker') : textOf(step) === 'setup_remote_docker';
  const second = scope.isLiteral ? undefined : steps.filter(isEngine)[1];
  if (second === undefined) return;
  const message = `the job \`${element.name}\` calls \`setup_remote_docker\` more than once`;
  problem(reading, 'circle/step', second.span, message, { hint: 'call it once' });
}

/** An executor that an argument names is the caller's; any other is the job's own. */
function homesFor(named: MapEntry, { element, given, from }: JobCall): readonly Namespace[] {
  const text = textOf(named.value.kind === 'map' ? field(named.value, 'name')?.value : named.value) ?? '';
  const parameter = /^<<\s*parameters\.([\w-]+)\s*>>$/.exec(text.trim())?.[1];
  return parameter !== undefined && given.has(parameter) ? [from, element.home] : [element.home, from];
}

function checkEnvironment(settings: MapNode, { element }: JobCall, { reading }: StepsShared): void {
  const kinds = environmentKinds.filter((kind) => field(settings, kind) !== undefined);
  if (kinds.length === 1) return;
  const hint = 'give it one of docker, machine, macos, or an executor that has one';
  const message =
    kinds.length === 0
      ? `the job \`${element.name}\` doesn't say where it runs`
      : `the job \`${element.name}\` names ${kinds.join(' and ')}, of which only one can be`;
  problem(reading, 'circle/job', element.node.span, message, { hint });
}
