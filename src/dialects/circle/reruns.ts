import type { Span } from '../../diagnostics/diagnostic.ts';
import type { MapEntry } from '../../syntax/node.ts';
import { field, kindOf, problem, type Reading, textOf } from './reading.ts';
import { duration } from './step-fields.ts';

const mostReruns = 5;
const longestDelayMs = 10 * 60_000;

/**
 * The entry `max_auto_reruns` of a step or a workflow: from 1 to 5. 0: none.
 * Source: https://circleci.com/docs/guides/orchestrate/automatic-reruns/
 */
export function readMaxReruns(found: MapEntry | undefined, reading: Reading): number {
  if (found === undefined) return 0;
  const written = textOf(found.value);
  const count = written === undefined || !/^\d+$/.test(written) ? 0 : Number(written);
  if (count >= 1 && count <= mostReruns) return count;
  const message = `\`max_auto_reruns\` must be a whole number from 1 to ${mostReruns}, not ${kindOf(found.value)}`;
  problem(reading, 'circle/wrong-type', found.value.span, message);
  return 0;
}

/** How often a `run` step is run again while it fails, and how long to wait before. */
export function readStepReruns(
  step: MapEntry,
  reading: Reading,
): { readonly max: number; readonly delayMs: number } | undefined {
  const max = readMaxReruns(field(step.value, 'max_auto_reruns'), reading);
  const delay = field(step.value, 'auto_rerun_delay');
  if (delay === undefined) return max === 0 ? undefined : { max, delayMs: 0 };
  if (field(step.value, 'max_auto_reruns') === undefined) {
    problem(reading, 'circle/step', delay.keySpan, '`auto_rerun_delay` wants `max_auto_reruns`', {
      hint: 'say how often with `max_auto_reruns: 1`',
    });
  }
  const delayMs = duration(step, 'auto_rerun_delay', reading) ?? 0;
  if (delayMs > longestDelayMs) tooLong(delay.value.span, reading);
  return max === 0 ? undefined : { max, delayMs: Math.min(delayMs, longestDelayMs) };
}

function tooLong(span: Span, reading: Reading): void {
  problem(reading, 'circle/step', span, '`auto_rerun_delay` is longer than 10 minutes', {
    hint: 'write `10m` or less',
  });
}
