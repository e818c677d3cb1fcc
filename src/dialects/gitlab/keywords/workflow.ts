import type { Workflow } from '../../../model/pipeline.ts';
import { type Keyword, take } from '../keyword.ts';
import { invalidValue } from '../reading.ts';
import { ignored, runs } from '../support.ts';
import { field, kindOf, textField, wordField } from '../values.ts';
import { rules } from './rules.ts';

/** What is read from `workflow`. */
export interface WorkflowSettings extends Workflow {
  /** `workflow:name`, variables not expanded. */
  readonly name?: string;
}

/** Whether the pipeline exists, its name, and what a failed job does to the others. */
export const workflow: Keyword<WorkflowSettings> = {
  name: 'workflow',
  scopes: ['global'],
  parts: {
    ...runs('name', 'rules', 'rules:if', 'rules:changes', 'rules:exists', 'rules:when', 'rules:variables'),
    'rules:auto_cancel': ignored('`workflow:auto_cancel` alone decides'),
    'auto_cancel:on_new_commit': ignored('a local run is never canceled by a newer one'),
    ...runs('auto_cancel:on_job_failure'),
  },
  read: (entry, reading) => {
    const { value: node } = entry;
    if (node.kind !== 'map') {
      invalidValue(reading, node.span, `\`workflow\` must be a map, not ${kindOf(node)}`);
      return undefined;
    }
    const name = textField(node, 'name', 'workflow:name', reading);
    const read = take(node, rules, reading);
    const autoCancel = field(node, 'auto_cancel');
    const onJobFailure =
      autoCancel &&
      wordField(
        autoCancel.value,
        'on_job_failure',
        'workflow:auto_cancel:on_job_failure',
        ['none', 'all'] as const,
        reading,
      );
    return {
      autoCancelOnJobFailure: onJobFailure ?? 'none',
      ...(name === undefined ? {} : { name }),
      ...(read === undefined ? {} : { rules: read }),
    };
  },
};
