import type { AllowFailure } from '../../../model/pipeline.ts';
import type { Node } from '../../../syntax/node.ts';
import type { Keyword } from '../keyword.ts';
import { invalidValue, type Reading } from '../reading.ts';
import { runs } from '../support.ts';
import { field, readBoolean } from '../values.ts';

/** Whether a failure of the job fails the pipeline; or for which exit codes it does not. */
export const allowFailure: Keyword<AllowFailure> = {
  name: 'allow_failure',
  scopes: ['job'],
  parts: runs('exit_codes'),
  read: (entry, reading) => readAllowFailure(entry.value, reading),
};

/** `allow_failure` of a job or of a rule. */
export function readAllowFailure(node: Node, reading: Reading): AllowFailure | undefined {
  if (node.kind !== 'map') return readBoolean(node, 'allow_failure', reading);
  const entry = field(node, 'exit_codes');
  if (entry) return { exitCodes: readExitCodes(entry.value, 'allow_failure:exit_codes', reading) };
  invalidValue(reading, node.span, '`allow_failure` must be true, false or a map with `exit_codes`');
  return undefined;
}

/** A whole number or a list of them. */
export function readExitCodes(node: Node, what: string, reading: Reading): readonly number[] {
  const items = node.kind === 'seq' ? node.items : [node];
  return items.flatMap((item) => {
    if (item.kind === 'scalar' && typeof item.value === 'number' && Number.isInteger(item.value)) return [item.value];
    invalidValue(reading, item.span, `\`${what}\` must be a whole number or a list of them`);
    return [];
  });
}
