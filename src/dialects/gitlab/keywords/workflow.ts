import type { Workflow } from '../../../model/pipeline.ts';
import { readAutoCancel } from '../auto-cancel.ts';
import { type Keyword, take } from '../keyword.ts';
import { invalidValue } from '../reading.ts';
import { ignored, runs } from '../support.ts';
import { kindOf, textField } from '../values.ts';
import { rules } from './rules.ts';

/** What is read from `workflow`. */
export interface WorkflowSettings extends Workflow {
  /** `workflow:name`, variables not expanded. */
  readonly name?: string;
}

const neverCanceled = ignored('a newer run never cancels an older one on this machine', { unless: ['none'] });

/** Whether the pipeline exists, its name, and what a failed job does to the others. */
export const workflow: Keyword<WorkflowSettings> = {
  name: 'workflow',
  scopes: ['global'],
  parts: {
    ...runs('name', 'rules', 'rules:if', 'rules:changes', 'rules:exists', 'rules:when', 'rules:variables'),
    ...runs('rules:auto_cancel', 'rules:auto_cancel:on_job_failure', 'auto_cancel:on_job_failure'),
    'rules:auto_cancel:on_new_commit': neverCanceled,
    'auto_cancel:on_new_commit': neverCanceled,
  },
  read: (entry, reading) => {
    const { value: node } = entry;
    if (node.kind !== 'map') {
      invalidValue(reading, node.span, `\`workflow\` must be a map, not ${kindOf(node)}`);
      return undefined;
    }
    const name = textField(node, 'name', 'workflow:name', reading);
    const read = take(node, rules, reading);
    const onJobFailure = readAutoCancel(node, reading);
    return {
      autoCancelOnJobFailure: onJobFailure ?? 'none',
      ...(name === undefined ? {} : { name }),
      ...(read === undefined ? {} : { rules: read }),
    };
  },
};
