import type { StepWhen } from '../../model/step.ts';
import type { MapEntry } from '../../syntax/node.ts';
import { parseDuration } from '../../util/duration.ts';
import { field, kindOf, problem, type Reading, textOf } from './reading.ts';

/** The text below a key of a step, told when it is something else. */
export function text(step: MapEntry, key: string, reading: Reading): string | undefined {
  const found = field(step.value, key);
  if (found === undefined) return undefined;
  const value = textOf(found.value);
  if (value === undefined) {
    const message = `\`${step.key}\` wants a text for \`${key}\`, not ${kindOf(found.value)}`;
    problem(reading, 'circle/wrong-type', found.value.span, message);
  }
  return value;
}

/** The text below a key that has to be there. */
export function required(step: MapEntry, key: string, reading: Reading): string | undefined {
  if (field(step.value, key) === undefined) {
    problem(reading, 'circle/step', step.keySpan, `\`${step.key}\` wants \`${key}\``);
    return undefined;
  }
  return text(step, key, reading);
}

/** One text, or a list of texts; an empty list when the key is not there. */
export function texts(step: MapEntry, key: string, reading: Reading): readonly string[] {
  const found = field(step.value, key);
  if (found === undefined) return [];
  return (found.value.kind === 'seq' ? found.value.items : [found.value]).flatMap((item) => {
    const value = textOf(item);
    if (value === undefined) {
      const message = `\`${step.key}\` wants texts for \`${key}\`, not ${kindOf(item)}`;
      problem(reading, 'circle/wrong-type', item.span, message);
    }
    return value ?? [];
  });
}

const whens: Readonly<Record<string, StepWhen>> = {
  always: 'always',
  on_success: 'on_success',
  on_fail: 'on_failure',
};

/** `when` of a step. @param otherwise what holds where nothing is written. */
export function whenOf(step: MapEntry, reading: Reading, otherwise: StepWhen = 'on_success'): StepWhen {
  const written = text(step, 'when', reading);
  if (written === undefined) return otherwise;
  const known = Object.hasOwn(whens, written) ? whens[written] : undefined;
  if (known !== undefined) return known;
  const hint = `write one of ${Object.keys(whens).join(', ')}`;
  problem(reading, 'circle/step', field(step.value, 'when')!.value.span, `there is no \`when: ${written}\``, { hint });
  return otherwise;
}

/** A time in milliseconds; undefined when it is not there, or is none. */
export function duration(step: MapEntry, key: string, reading: Reading): number | undefined {
  const found = field(step.value, key);
  const written = textOf(found?.value);
  const ms = written === undefined ? undefined : parseDuration(written);
  if (found !== undefined && (ms === undefined || ms <= 0)) {
    const hint = 'write it like `20m`, `1.25h` or `5s`';
    problem(reading, 'circle/step', found.value.span, `\`${key}\` must be a time, not ${kindOf(found.value)}`, {
      hint,
    });
    return undefined;
  }
  return ms;
}

/**
 * A text in which the job expands nothing: CircleCI looks for a directory that is called `$DIR`, literally.
 * Source: https://circleci.com/docs/guides/security/env-vars/#environment-variable-usage-options
 */
export function literal(written: string): string {
  return written.replaceAll('$', '$$$$');
}
