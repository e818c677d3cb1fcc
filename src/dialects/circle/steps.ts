import type { Severity } from '../../diagnostics/diagnostic.ts';
import type { MapEntry, Node } from '../../syntax/node.ts';
import { holds } from './condition.ts';
import { type Element, elementNames, findElement, type MissingOrb, type Namespace } from './elements.ts';
import { interpolate } from './interpolate.ts';
import { argumentsOf, bindArguments } from './parameters.ts';
import { entry, field, isNothing, kindOf, map, problem, type Reading, seq, suggestion, textOf } from './reading.ts';
import { insideOf, type Scope } from './scope.ts';
import { continueStep } from './stand-in.ts';

/** Steps that CircleCI itself knows. Source: https://circleci.com/docs/reference/configuration-reference/#steps */
export const builtInSteps: ReadonlySet<string> = new Set([
  'add_ssh_keys',
  'attach_workspace',
  'checkout',
  'deploy',
  'install_signing_bundle',
  'persist_to_workspace',
  'restore_cache',
  'run',
  'save_cache',
  'setup_remote_docker',
  'store_artifacts',
  'store_test_results',
]);

/** So many steps and calls of commands are expanded, of one job and of all jobs of a file. */
export const mostSteps = { job: 20_000, file: 1_000_000 } as const;

/** Where steps are expanded: whose names and parameters count, and which commands are being called. */
export interface StepPlace {
  readonly home: Namespace;
  readonly scope: Scope;
  /** From the outermost command to the innermost. */
  readonly calls: readonly Element[];
  readonly shared: StepsShared;
}

/** What the whole expansion of a file shares. */
export interface StepsShared {
  readonly reading: Reading;
  /** Lists of steps that are expanded already: what a `steps` parameter carries. */
  readonly expanded: WeakSet<Node>;
  /** How many more steps and calls may be expanded: of one job, and of all jobs together. */
  readonly left: { job: number; file: { steps: number } };
  /** Told when a step is of an orb that can't be had. */
  readonly missingOrb: (orb: MissingOrb, step: MapEntry) => void;
}

/**
 * A list of steps with commands put in their place, conditions decided and parameters filled in: only steps that
 * CircleCI itself knows are left. A list that is expanded already is given back.
 */
export function expandSteps(node: Node | undefined, place: StepPlace): readonly Node[] {
  if (node === undefined) return [];
  if (node.kind === 'seq') {
    if (place.shared.expanded.has(node)) return takes(node.items.length, node, place) ? node.items : [];
    return node.items.flatMap((item) => (item.kind === 'seq' ? expandSteps(item, place) : expandStep(item, place)));
  }
  const filled = interpolate(node, place.scope, place.shared.reading);
  if (filled.kind === 'seq') return expandSteps(filled, place);
  problem(place.shared.reading, 'circle/wrong-type', node.span, `\`steps\` must be a list, not ${kindOf(filled)}`);
  return [];
}

/** Counts steps; false: there are too many, which was told once. */
function takes(steps: number, node: Node, { shared: { left, reading } }: StepPlace): boolean {
  if (left.job < 0 || left.file.steps < 0) return false;
  left.job -= steps;
  left.file.steps -= steps;
  if (left.job >= 0 && left.file.steps >= 0) return true;
  const message =
    left.job < 0
      ? `the job becomes more than ${mostSteps.job} steps`
      : `all jobs become more than ${mostSteps.file} steps`;
  problem(reading, 'circle/step', node.span, message, { hint: 'let commands call fewer others' });
  return false;
}

function expandStep(node: Node, place: StepPlace): readonly Node[] {
  const { reading } = place.shared;
  if (!takes(1, node, place)) return [];
  const step = asCall(node, place);
  if (step === undefined) {
    const hint = 'start each step with a dash, and indent what belongs to it below its name';
    problem(reading, 'circle/step', node.span, 'a step must be a name, or a map with one key', { hint });
    return [];
  }
  const found = findElement(place.home, 'command', step.key);
  if (found.kind === 'element') return callCommand(found.element, step, place);
  if (step.key === 'when' || step.key === 'unless') return expandConditional(step, place);
  if (step.key === 'steps') return expandSteps(step.value, place);
  if (step.key === 'with_tool_cache') return expandSteps(field(step.value, 'steps')?.value, place);
  const isOurs = place.home.standIn !== undefined && step.key === continueStep;
  if (builtInSteps.has(step.key) || isOurs) return [builtIn(node, step, place)];
  if (found.kind === 'missing') {
    place.shared.missingOrb(found, step);
    return [interpolate(node, place.scope, reading)];
  }
  reportUnknownStep(step, place.home, reading, 'error');
  return [];
}

/** `checkout` is short for `checkout: {}`. */
function asCall(node: Node, place: StepPlace): MapEntry | undefined {
  const filled = node.kind === 'scalar' ? interpolate(node, place.scope, place.shared.reading) : node;
  const name = textOf(filled);
  if (name !== undefined) return entry(name, map([], node.span));
  if (filled.kind !== 'map') return undefined;
  const [first, ...others] = filled.entries.values();
  if (first === undefined || others.length === 0) return first;
  return isNothing(first.value) && !builtInSteps.has(first.key) ? flattened(first, others, place) : undefined;
}

/** The service takes a command without a value, and leaves out what is indented as far as its name. */
function flattened(first: MapEntry, others: readonly MapEntry[], { shared }: StepPlace): MapEntry {
  const names = others.map(({ key }) => `\`${key}\``).join(', ');
  shared.reading.report({
    code: 'circle/step',
    severity: 'warning',
    message: `\`${first.key}\` gets no arguments: ${names} stand beside it, and not in it`,
    span: others[0]!.keySpan,
    hint: `indent what belongs to \`${first.key}\` further`,
  });
  return first;
}

function builtIn(node: Node, step: MapEntry, { scope, shared }: StepPlace): Node {
  if (node.kind === 'scalar') return interpolate(node, scope, shared.reading);
  const value = interpolate(step.value, scope, shared.reading);
  const isShort = (step.key === 'run' || step.key === 'deploy') && value.kind === 'scalar' && value.value !== null;
  const long = isShort ? map([entry('command', value)], value.span) : value;
  return map([entry(step.key, long, step.keySpan)], node.span);
}

function expandConditional(step: MapEntry, place: StepPlace): readonly Node[] {
  const condition = step.value.kind === 'map' ? step.value.entries.get('condition')?.value : undefined;
  const steps = field(step.value, 'steps');
  if (condition === undefined || steps === undefined) {
    problem(place.shared.reading, 'circle/step', step.keySpan, `\`${step.key}\` wants \`condition\` and \`steps\``);
    return [];
  }
  const isMet =
    holds(condition, { of: 'step', scope: place.scope, reading: place.shared.reading }) === (step.key === 'when');
  return isMet ? expandSteps(steps.value, place) : [];
}

const maxCalls = 100;

function callCommand(command: Element, step: MapEntry, place: StepPlace): readonly Node[] {
  const { reading } = place.shared;
  if (place.calls.includes(command) || place.calls.length >= maxCalls) {
    const way = [...place.calls, command].map(({ name }) => name).join(' → ');
    problem(reading, 'circle/command-cycle', step.keySpan, `the command \`${command.name}\` calls itself: ${way}`);
    return [];
  }
  const scope = insideOf(command, place.scope);
  const call = { what: `the command \`${step.key}\``, span: step.keySpan, scope };
  const given = givenSteps(command, argumentsOf(step.value), place);
  const parameters = bindArguments(command.declared, given, call, reading);
  const inside: StepPlace = {
    ...place,
    home: command.home,
    scope: { ...scope, parameters },
    calls: [...place.calls, command],
  };
  const steps = field(command.node, 'steps');
  if (steps === undefined) {
    problem(reading, 'circle/step', step.keySpan, `the command \`${command.name}\` has no \`steps\``);
  }
  return expandSteps(steps?.value, inside);
}

/**
 * The arguments of a call as their callee gets them: filled in, and steps expanded where they are written, for there
 * the names of commands are known.
 */
export function givenSteps(
  { declared, home }: Pick<Element, 'declared' | 'home'>,
  given: ReadonlyMap<string, MapEntry>,
  place: StepPlace,
): ReadonlyMap<string, MapEntry> {
  // A stand-in takes what it has no use for, too: an orb's versions differ.
  const wanted = home.standIn === undefined ? [...given] : [...given].filter(([name]) => declared.has(name));
  return new Map(
    wanted.map(([name, argument]) => {
      if (declared.get(name)?.type !== 'steps') {
        return [name, { ...argument, value: interpolate(argument.value, place.scope, place.shared.reading) }];
      }
      const isList = argument.value.kind === 'seq' || textOf(argument.value)?.includes('<<') === true;
      if (!isList) return [name, argument];
      const steps = seq(expandSteps(argument.value, place), argument.value.span);
      place.shared.expanded.add(steps);
      return [name, { ...argument, value: steps }];
    }),
  );
}

/** @param severity `warning`: of a step that may never be used. */
export function reportUnknownStep(step: MapEntry, home: Namespace, reading: Reading, severity: Severity): void {
  const known = (): readonly string[] => [...builtInSteps, 'when', 'unless', 'steps', ...elementNames(home, 'command')];
  const isJob = home.elements.job.has(step.key);
  const hint =
    suggestion(reading, step.key, known) ??
    (isJob ? 'a job is called from a workflow; only commands are steps' : 'define it under `commands`');
  const message = `there is no step or command \`${step.key}\``;
  reading.report({ code: 'circle/unknown-step', severity, message, span: step.keySpan, hint });
}
