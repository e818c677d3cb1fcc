import { expect } from 'vitest';
import { sortAndExpand } from '../../../src/expressions/sort-and-expand.ts';
import { makeJobSpec } from '../../../src/schedule/make-job-spec.ts';
import type { Seen } from './row-cases.ts';

/** The variables of a job as its shell gets them, but for those that only the runner knows. */
export function valuesIn(
  { node }: Seen,
  id: string,
  dotenv: Readonly<Record<string, string>> = {},
): ReadonlyMap<string, string> {
  const found = node(id);
  if (found.kind !== 'job') throw new Error(`${id} is no job`);
  const spec = makeJobSpec(found, {
    runId: 'r',
    projectPath: 'group/project',
    source: { kind: 'snapshot' } as never,
    attempt: 1,
    number: 1,
    variables: [],
    dotenv: Object.entries(dotenv).map(([name, value]) => ({ name, value })),
    dependencies: [],
    workspaceFrom: [],
  });
  return new Map(sortAndExpand(spec.variables).map(({ name, value }) => [name, value]));
}

/** A check that job `a` gets these values; undefined: no such variable. */
export const expectValues =
  (expected: Readonly<Record<string, string | undefined>>, dotenv: Readonly<Record<string, string>> = {}) =>
  (all: Seen): void => {
    const values = valuesIn(all, 'a', dotenv);
    expect(Object.fromEntries(Object.keys(expected).map((name) => [name, values.get(name)]))).toEqual(expected);
  };
