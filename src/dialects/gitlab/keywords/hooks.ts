import type { Keyword } from '../keyword.ts';
import { invalidValue } from '../reading.ts';
import { simulated } from '../support.ts';
import { kindOf, textsField } from '../values.ts';

/** Commands for certain moments of a job's life. */
export interface Hooks {
  /** Before the sources are there. */
  readonly preGetSources: readonly string[];
}

/** Commands outside of the job's script. */
export const hooks: Keyword<Hooks> = {
  name: 'hooks',
  scopes: ['job', 'default'],
  parts: {
    pre_get_sources_script: simulated(
      "runs first of all, in the job's own container: there is no helper container here",
    ),
  },
  read: ({ value: node }, reading) => {
    if (node.kind !== 'map') {
      invalidValue(reading, node.span, `\`hooks\` must be a map, not ${kindOf(node)}`);
      return undefined;
    }
    return { preGetSources: textsField(node, 'pre_get_sources_script', 'hooks:pre_get_sources_script', reading) ?? [] };
  },
};
