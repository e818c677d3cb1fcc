import type { Retry } from '../../../model/pipeline.ts';
import { retryReasons } from '../../../model/retry-reasons.ts';
import type { MapNode, Node } from '../../../syntax/node.ts';
import type { Keyword } from '../keyword.ts';
import type { Reading } from '../reading.ts';
import { runs } from '../support.ts';
import { field, flatItems, readInteger, readWord } from '../values.ts';
import { readExitCodes } from './allow-failure.ts';

const bounds = { least: 0, most: 2 };

/** How often a failed job is tried again. */
export const retry: Keyword<Retry> = {
  name: 'retry',
  scopes: ['job', 'default'],
  parts: runs('max', 'when', 'exit_codes'),
  read: (entry, reading) => {
    const { value } = entry;
    if (value.kind === 'map') return readDetailed(value, reading);
    const max = readInteger(value, 'retry', bounds, reading);
    return max === undefined ? undefined : { max };
  },
};

function readDetailed(node: MapNode, reading: Reading): Retry {
  const max = field(node, 'max');
  const when = field(node, 'when');
  const exitCodes = field(node, 'exit_codes');
  const reasons = when && readReasons(when.value, reading);
  return {
    max: (max && readInteger(max.value, 'retry:max', bounds, reading)) ?? 0,
    ...(reasons === undefined || reasons.length === 0 ? {} : { when: reasons }),
    ...(exitCodes ? { exitCodes: readExitCodes(exitCodes.value, 'retry:exit_codes', reading) } : {}),
  };
}

function readReasons(node: Node, reading: Reading): readonly string[] {
  return flatItems(node, 'retry:when', reading).flatMap((item) => {
    return readWord(item, 'retry:when', retryReasons, reading) ?? [];
  });
}
