import type { MapEntry, Node } from '../../syntax/node.ts';
import { checkKeys } from './check-keys.ts';
import { type CheckedPlace, checkSteps } from './check-steps.ts';
import { language } from './language.ts';
import { entriesOf, field, itemsOf, kindOf, problem, type Reading, textOf } from './reading.ts';

/** Tells what is wrong with a workflow as it is written. @param isOld of version 2, where the service is lax. */
export function checkWorkflow({ key, value }: MapEntry, place: CheckedPlace, isOld: boolean): void {
  const { reading } = place;
  checkKeys(value, 'workflow', `the workflow \`${key}\``, reading);
  for (const trigger of itemsOf(field(value, 'triggers')?.value)) {
    checkKeys(trigger, 'trigger', 'a trigger', reading);
    checkKeys(field(trigger, 'schedule')?.value, 'schedule', 'a schedule', reading);
    checkFilters(field(field(trigger, 'schedule')?.value, 'filters')?.value, reading);
  }
  checkInvocations(value, place, isOld);
}

/** Tells what is wrong with a group of jobs as it is written. */
export function checkGroup({ key, value }: MapEntry, place: CheckedPlace, isOld: boolean): void {
  checkKeys(value, 'group', `the group \`${key}\``, place.reading);
  checkInvocations(value, place, isOld);
}

function checkInvocations(owner: Node, place: CheckedPlace, isOld: boolean): void {
  for (const item of itemsOf(field(owner, 'jobs')?.value)) {
    const [entry] = entriesOf(item);
    if (entry !== undefined) checkInvocation(entry, place, isOld);
  }
}

function checkInvocation(entry: MapEntry, place: CheckedPlace, isOld: boolean): void {
  const { reading } = place;
  checkKeys(field(entry.value, 'matrix')?.value, 'matrix', `the matrix of \`${entry.key}\``, reading, 'error');
  checkFilters(field(entry.value, 'filters')?.value, reading);
  checkSteps(field(entry.value, 'pre-steps')?.value, place);
  checkSteps(field(entry.value, 'post-steps')?.value, place);
  const type = field(entry.value, 'type');
  const text = textOf(type?.value);
  if (type === undefined || isOld || text?.includes('<<')) return;
  if (text !== 'approval') {
    const hint = 'say the type where the job is defined';
    problem(reading, 'circle/workflow', type.value.span, `a workflow can not say \`type: ${text}\``, { hint });
    return;
  }
  for (const { key, keySpan } of entriesOf(entry.value)) {
    if (Object.hasOwn(language.invocation, key)) continue;
    const message = `an approval has nothing to do with \`${key}\``;
    reading.report({ code: 'circle/unknown-key', severity: 'warning', message, span: keySpan, hint: 'take it away' });
  }
}

/** Filters are a map of branches and tags, or an expression. */
function checkFilters(filters: Node | undefined, reading: Reading): void {
  if (filters?.kind !== 'map') return;
  checkKeys(filters, 'filters', '`filters`', reading, 'error');
  for (const { key, value } of entriesOf(filters)) {
    if (!Object.hasOwn(language.filters, key)) continue;
    if (value.kind === 'map') checkKeys(value, 'filter', `the filter \`${key}\``, reading, 'error');
    for (const each of ['only', 'ignore']) checkPatterns(field(value, each), reading);
  }
}

function checkPatterns(patterns: MapEntry | undefined, reading: Reading): void {
  for (const item of patterns?.value.kind === 'seq' ? patterns.value.items : []) {
    if (textOf(item) !== undefined) continue;
    problem(reading, 'circle/wrong-type', item.span, `\`${patterns!.key}\` lists texts, not ${kindOf(item)}`);
  }
}
