import type { Span } from '../../diagnostics/diagnostic.ts';
import type { StepWhen } from '../../model/step.ts';
import type { MapEntry, Node } from '../../syntax/node.ts';
import type { Reading } from '../gitlab/reading.ts';
import { field, kindOf, readText, wordField } from '../gitlab/values.ts';

/** Tells that a step lacks something or has the wrong form. */
export function invalidStep(reading: Reading, span: Span, message: string, hint?: string): void {
  reading.report({
    code: 'ci/invalid-step',
    severity: 'error',
    message,
    span,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** A text that a step can't do without; undefined when it is missing, and that was told. */
export function requiredText(step: MapEntry, key: string, reading: Reading): string | undefined {
  const entry = requiredField(step, key, reading);
  return entry && readText(entry.value, `${step.key}:${key}`, reading);
}

/** An entry that a step can't do without. */
export function requiredField(step: MapEntry, key: string, reading: Reading): MapEntry | undefined {
  if (step.value.kind !== 'map') {
    invalidStep(reading, step.keySpan, `\`${step.key}\` must be a map with \`${key}\`, not ${kindOf(step.value)}`);
    return undefined;
  }
  const entry = field(step.value, key);
  if (entry === undefined) invalidStep(reading, step.keySpan, `\`${step.key}\` has no \`${key}\``);
  return entry;
}

const whens: Readonly<Record<'always' | 'on_success' | 'on_fail' | 'on_failure', StepWhen>> = {
  always: 'always',
  on_success: 'on_success',
  on_fail: 'on_failure',
  on_failure: 'on_failure',
};

/** `when` of a step, in CircleCI's words (`on_fail`) or GitLab's (`on_failure`). */
export function readWhen(node: Node, what: string, otherwise: StepWhen, reading: Reading): StepWhen {
  const words = ['always', 'on_success', 'on_fail', 'on_failure'] as const;
  const word = wordField(node, 'when', what, words, reading);
  return word === undefined ? otherwise : whens[word];
}
