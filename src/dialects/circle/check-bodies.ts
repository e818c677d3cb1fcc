import type { MapEntry, MapNode, Node } from '../../syntax/node.ts';
import { checkKeys } from './check-keys.ts';
import { type CheckedPlace, checkSteps } from './check-steps.ts';
import { booleanOf } from './parameters.ts';
import { entriesOf, field, itemsOf, kindOf, problem, type Reading, textOf } from './reading.ts';

/** Tells what is wrong with a job as it is written. @param isOld of version 2, where the service is lax. */
export function checkJob({ key, value, keySpan }: MapEntry, place: CheckedPlace, isOld: boolean): void {
  if (value.kind !== 'map') return;
  const { reading } = place;
  const what = `the job \`${key}\``;
  checkKeys(value, 'job', what, reading, isOld ? 'warning' : 'error');
  checkEnvironment(value, what, reading);
  if (!isOld) {
    checkType(value, what, reading);
    checkReserved(value, what, reading);
  }
  checkCount(value, reading);
  const ranges = written(value, 'circleci_ip_ranges');
  if (ranges !== undefined && booleanOf(ranges.value) === undefined) {
    const message = `\`circleci_ip_ranges\` must be \`true\` or \`false\`, not ${kindOf(ranges.value)}`;
    problem(reading, 'circle/wrong-type', ranges.value.span, message);
  }
  checkRetention(field(value, 'retention'), reading);
  const steps = field(value, 'steps');
  if (!isOld && steps?.value.kind === 'seq' && steps.value.items.length === 0) {
    problem(reading, 'circle/job', keySpan, `${what} has no \`steps\``);
  }
  checkSteps(steps?.value, place);
}

/** Tells what is wrong with a command as it is written. */
export function checkCommand({ key, value }: MapEntry, place: CheckedPlace): void {
  checkKeys(value, 'command', `the command \`${key}\``, place.reading);
  checkSteps(field(value, 'steps')?.value, place);
}

/** Tells what is wrong with an executor as it is written. */
export function checkExecutor({ key, value }: MapEntry, reading: Reading): void {
  checkKeys(value, 'executor', `the executor \`${key}\``, reading);
  checkEnvironment(value, `the executor \`${key}\``, reading);
}

function checkEnvironment(node: Node, what: string, reading: Reading): void {
  for (const item of itemsOf(field(node, 'docker')?.value))
    checkKeys(item, 'container', `a container of ${what}`, reading);
  checkKeys(field(node, 'machine')?.value, 'machine', `\`machine\` of ${what}`, reading);
  checkKeys(field(node, 'macos')?.value, 'macos', `\`macos\` of ${what}`, reading);
}

/** A value that nothing fills in. */
function written(node: Node, key: string): MapEntry | undefined {
  const found = field(node, key);
  return found !== undefined && textOf(found.value)?.includes('<<') === true ? undefined : found;
}

const types: Readonly<Record<string, string | undefined>> = {
  build: undefined,
  approval: undefined,
  'no-op': undefined,
  release: 'plan_name',
  lock: 'key',
  unlock: 'key',
};

function checkType(job: MapNode, what: string, reading: Reading): void {
  const type = written(job, 'type');
  if (type === undefined) return;
  const text = textOf(type.value) ?? '';
  if (!Object.hasOwn(types, text)) {
    const hint = `a type is one of ${Object.keys(types).join(', ')}`;
    problem(reading, 'circle/job', type.value.span, `${what} has a type that there is not: ${kindOf(type.value)}`, {
      hint,
    });
    return;
  }
  const wanted = types[text];
  if (wanted === undefined || field(job, wanted) !== undefined) return;
  problem(reading, 'circle/job', type.value.span, `a job of the type \`${text}\` wants \`${wanted}\``);
}

const reserved: ReadonlySet<string> = new Set([
  'name',
  'pre-steps',
  'post-steps',
  'filters',
  'requires',
  'context',
  'type',
  'matrix',
  'override-with',
  'upstream',
]);

/** The entry of a workflow has these words for itself, so nobody could give such a parameter a value. */
function checkReserved(job: MapNode, what: string, reading: Reading): void {
  for (const { key, keySpan } of entriesOf(field(job, 'parameters')?.value)) {
    if (!reserved.has(key)) continue;
    const message = `${what} can not have a parameter \`${key}\`: in a workflow it means something else`;
    problem(reading, 'circle/parameter', keySpan, message, { hint: 'give it another name' });
  }
}

function checkCount(job: MapNode, reading: Reading): void {
  const found = written(job, 'parallelism');
  if (found === undefined || /^\+?0*[1-9]\d*$/.test(textOf(found.value) ?? '')) return;
  const message = `\`parallelism\` must be a whole number above 0, not ${kindOf(found.value)}`;
  problem(reading, 'circle/wrong-type', found.value.span, message);
}

function checkRetention(retention: MapEntry | undefined, reading: Reading): void {
  checkKeys(retention?.value, 'retention', '`retention`', reading);
  const caches = retention && written(retention.value, 'caches');
  if (caches === undefined || /^(?:[1-9]|[12]\d|30)d$/.test(textOf(caches.value) ?? '')) return;
  const message = `\`caches\` must be from \`1d\` to \`30d\`, not ${kindOf(caches.value)}`;
  problem(reading, 'circle/wrong-type', caches.value.span, message);
}
