import type { MapEntry } from '../../syntax/node.ts';
import { type Found, findElement, type Namespace } from './elements.ts';
import { field, kindOf, problem, textOf } from './reading.ts';
import type { StepsShared } from './steps.ts';

/**
 * The job that an entry of a workflow runs: the one of an orb that it names with `override-with`, where that is on this
 * machine, else the job that it calls.
 */
export function findCalledJob(call: MapEntry, root: Namespace, { reading }: StepsShared): Found {
  const override = field(call.value, 'override-with');
  const name = textOf(override?.value);
  if (override === undefined) return findElement(root, 'job', call.key);
  const slash = name?.indexOf('/') ?? -1;
  if (name === undefined || slash < 1) {
    const hint = 'write it as `orb/job`';
    const message = `\`override-with\` wants a job of an orb, not ${kindOf(override.value)}`;
    problem(reading, 'circle/workflow', override.value.span, message, { hint });
    return findElement(root, 'job', call.key);
  }
  const found = findElement(root, 'job', name);
  if (found.kind === 'element') return found;
  reading.report({
    code: 'circle/missing-orb',
    severity: 'warning',
    message: `\`${name}\` is not on this machine, so \`${call.key}\` runs itself`,
    span: override.value.span,
    hint: `put the source of the orb into \`.circleci/orbs/${name.slice(0, slash)}.yml\``,
  });
  return findElement(root, 'job', call.key);
}
