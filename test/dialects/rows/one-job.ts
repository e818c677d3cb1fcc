import type { DiagnosticCode } from '../../../src/diagnostics/codes.ts';
import type { Passing, Refused, Row } from './row-cases.ts';

/** The text of a file with the job `a`, whose script is on line 2 and whose further keys, indented by two, begin on line 3. */
export const oneJob = (keys: string): string => `a:\n  script: [make]\n  ${keys}\n`;

/** The job `a` with these keys is taken. @param expected part of its definition. */
export function takes(keys: string, expected: object = {}, rest: Partial<Passing> = {}): Passing {
  return { text: oneJob(keys), jobs: { a: expected }, ...rest };
}

/** The job `a` with these keys is taken, and its steps are these among others, in this order. */
export function makes(keys: string, steps: readonly object[], rest: Partial<Passing> = {}): Passing {
  return { text: oneJob(keys), ...stepsOf(steps), ...rest };
}

/** The job `a` with these keys is refused. */
export function refused(keys: string, code: DiagnosticCode, line = 3): Refused {
  return { text: oneJob(keys), code, line };
}

/** One row with its cases. */
export function row(
  id: Row['row'],
  passes: readonly Passing[] | Passing,
  refuses: readonly Refused[] | Refused | string,
): Row {
  return {
    row: id,
    passes: [passes].flat(),
    refuses: typeof refuses === 'string' ? { none: refuses } : [refuses].flat(),
  };
}

function stepsOf(wanted: readonly object[]): Pick<Passing, 'check'> {
  return {
    check: ({ job }) => {
      const definition = job('a');
      const steps = definition.kind === 'job' ? definition.steps : [];
      let from = 0;
      for (const step of wanted) {
        const at = steps.findIndex((each, index) => index >= from && matches(each, step));
        if (at < 0)
          throw new Error(`no step ${JSON.stringify(step)} among ${JSON.stringify(steps.slice(from), null, 1)}`);
        from = at + 1;
      }
    },
  };
}

/** As `toMatchObject`, but lists have to be equal. */
function matches(value: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return Object.is(value, wanted);
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(wanted)) {
    return Array.isArray(value) && value.length === wanted.length && wanted.every((item, i) => matches(value[i], item));
  }
  return Object.entries(wanted).every(([key, item]) => matches((value as Record<string, unknown>)[key], item));
}
