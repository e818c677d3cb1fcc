import type { Workflow } from '../../model/pipeline.ts';
import type { Node } from '../../syntax/node.ts';
import type { Reading } from './reading.ts';
import { field, wordField } from './values.ts';

const words = ['none', 'all'] as const;

/**
 * `auto_cancel` of `workflow` or of one of its rules: what a failed job does to the others; undefined if it is not said.
 * @param node the map that holds the key.
 */
export function readAutoCancel(node: Node, reading: Reading): Workflow['autoCancelOnJobFailure'] | undefined {
  const entry = field(node, 'auto_cancel');
  const what = 'workflow:auto_cancel:on_job_failure';
  return entry && wordField(entry.value, 'on_job_failure', what, words, reading);
}
