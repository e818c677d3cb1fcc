import type { Node } from '../../../syntax/node.ts';
import type { Keyword } from '../keyword.ts';
import { invalidValue, type Reading } from '../reading.ts';
import { runs } from '../support.ts';
import { field, kindOf, readTexts } from '../values.ts';

/** What a job takes over from the top level; true is all, false nothing. Source: https://docs.gitlab.com/ci/yaml/#inherit */
export interface Inherit {
  /** Which keywords of `default` the job takes: all, none, or the named ones. */
  readonly default: boolean | readonly string[];
  /** Which global variables it sees. */
  readonly variables: boolean | readonly string[];
}

/** What counts for a job without `inherit`. */
export const inheritAll: Inherit = { default: true, variables: true };

/** What the job takes from the top level. */
export const inherit: Keyword<Inherit> = {
  name: 'inherit',
  scopes: ['job'],
  parts: runs('default', 'variables'),
  read: (entry, reading) => {
    if (entry.value.kind !== 'map') {
      invalidValue(reading, entry.value.span, `\`inherit\` must be a map, not ${kindOf(entry.value)}`);
      return undefined;
    }
    return {
      default: readChoice(entry.value, 'default', reading),
      variables: readChoice(entry.value, 'variables', reading),
    };
  },
};

function readChoice(node: Node, key: string, reading: Reading): boolean | readonly string[] {
  const entry = field(node, key);
  if (entry === undefined) return true;
  const { value } = entry;
  if (value.kind === 'scalar' && typeof value.value === 'boolean') return value.value;
  return readTexts(value, `inherit:${key}`, reading);
}
