import type { MapEntry, Node } from '../../syntax/node.ts';
import { checkKeys } from './check-keys.ts';
import { findElement, type Namespace } from './elements.ts';
import { language } from './language.ts';
import { booleanOf } from './parameters.ts';
import { entry, field, isNothing, itemsOf, map, problem, type Reading, textOf } from './reading.ts';
import { whenOf } from './step-fields.ts';
import { builtInSteps, reportUnknownStep } from './steps.ts';

/** Where steps stand that are checked as they are written, whether they are used or not. */
export interface CheckedPlace {
  readonly home: Namespace;
  readonly reading: Reading;
}

const nesting: ReadonlySet<string> = new Set(['when', 'unless', 'with_tool_cache']);

/** Tells what is wrong with steps as they are written: names, keys and values that nothing fills in. */
export function checkSteps(list: Node | undefined, place: CheckedPlace): void {
  for (const item of itemsOf(list)) {
    if (item.kind === 'seq') checkSteps(item, place);
    else if (item.kind === 'scalar') checkStep(entry(textOf(item) ?? '', map([], item.span), item.span), place);
    else if (item.kind === 'map' && item.entries.size === 1) checkStep([...item.entries.values()][0]!, place);
  }
}

function checkStep(step: MapEntry, place: CheckedPlace): void {
  const { home, reading } = place;
  if (step.key === '' || step.key.includes('<<')) return;
  const found = findElement(home, 'command', step.key);
  if (found.kind === 'missing' && !builtInSteps.has(step.key)) return;
  if (found.kind === 'element') {
    for (const [name, { type }] of found.element.declared) {
      if (type === 'steps') checkSteps(field(step.value, name)?.value, place);
    }
    return;
  }
  if (step.key === 'steps') checkSteps(step.value, place);
  else if (nesting.has(step.key)) {
    if (step.key !== 'with_tool_cache') checkKeys(step.value, step.key as 'when', `\`${step.key}\``, reading);
    checkSteps(field(step.value, 'steps')?.value, place);
  } else if (builtInSteps.has(step.key)) checkBuiltIn(step, reading);
  else reportUnknownStep(step, home, reading, 'warning');
}

function checkBuiltIn(step: MapEntry, reading: Reading): void {
  const place = step.key === 'deploy' ? 'run' : step.key;
  if (Object.hasOwn(language, place)) {
    checkKeys(step.value, place as keyof typeof language, `the step \`${step.key}\``, reading);
  }
  if (isWritten(step, 'when')) whenOf(step, reading);
  if (place === 'run') checkRun(step, reading);
  if (place === 'checkout') checkCheckout(step, reading);
}

/** Is there a value that nothing fills in? */
function isWritten(step: MapEntry, key: string): boolean {
  const text = textOf(field(step.value, key)?.value);
  return text !== undefined && !text.includes('<<');
}

function checkRun(step: MapEntry, reading: Reading): void {
  const background = field(step.value, 'background');
  if (background !== undefined && isWritten(step, 'background') && booleanOf(background.value) === undefined) {
    problem(reading, 'circle/wrong-type', background.value.span, '`background` must be `true` or `false`');
  }
  const reruns = field(step.value, 'max_auto_reruns');
  if (reruns !== undefined && booleanOf(background?.value) === true) {
    problem(reading, 'circle/step', reruns.keySpan, 'a step in the background can not be run again', {
      hint: 'take `max_auto_reruns` or `background` away',
    });
  }
  const delay = field(step.value, 'auto_rerun_delay');
  if (delay === undefined || !isWritten(step, 'auto_rerun_delay')) return;
  if (/^(?:(?:10|[1-9])m|[1-9]\d*s)$/.test(textOf(delay.value)!)) return;
  problem(reading, 'circle/step', delay.value.span, '`auto_rerun_delay` must be whole minutes or seconds', {
    hint: 'write it like `30s` or `2m`, at most `10m`',
  });
}

function checkCheckout(step: MapEntry, reading: Reading): void {
  const depth = field(step.value, 'depth');
  if (depth === undefined || !isWritten(step, 'depth')) return;
  if (!/^[1-9]\d*$/.test(textOf(depth.value)!)) {
    problem(reading, 'circle/step', depth.value.span, '`depth` must be a whole number above 0');
  }
  const method = field(step.value, 'method')?.value;
  if (isNothing(method) || (isWritten(step, 'method') && textOf(method) !== 'shallow')) {
    problem(reading, 'circle/step', depth.keySpan, '`depth` is for `method: shallow` alone', {
      hint: 'add `method: shallow`, or take `depth` away',
    });
  }
}
