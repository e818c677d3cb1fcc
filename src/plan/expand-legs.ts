import type { JobDefinition } from '../model/pipeline.ts';
import type { Variable } from '../model/variable.ts';

/** Most jobs that `parallel` may make of one. Source: https://docs.gitlab.com/ci/yaml/#parallel */
const maxLegs = 200;
/** Longest name of a job. Source: https://docs.gitlab.com/ci/jobs/#job-names */
export const maxNameLength = 255;

/** One of the jobs that a definition becomes: itself, or one part of a parallel one. */
export interface Leg {
  /** `test`, `test 1/3`, `test: [18, linux]`. */
  readonly name: string;
  /** 1 for the first. Absent: the job is not parallel. */
  readonly index?: number;
  readonly total: number;
  /** Of the matrix. */
  readonly variables: readonly Variable[];
}

/** How many jobs a definition becomes, without making them. */
function countLegs(definition: JobDefinition): number {
  const { parallel } = definition;
  if (!parallel) return 1;
  if (parallel.kind === 'count') return parallel.count;
  let sum = 0;
  for (const entry of parallel.entries) sum += entry.reduce((product, { values }) => product * values.length, 1);
  return sum;
}

/**
 * Multiplies a definition out with GitLab's names; the first variable of a matrix entry varies slowest. More than 200
 * are cut off: dialects refuse them, so this only bounds the work.
 * Source: lib/gitlab/ci/config/normalizer/matrix_strategy.rb
 */
export function expandLegs(definition: JobDefinition): readonly Leg[] {
  const { name, parallel } = definition;
  if (!parallel) return [{ name, total: 1, variables: [] }];
  const total = Math.min(countLegs(definition), maxLegs);
  if (parallel.kind === 'count') {
    const { count, index } = parallel;
    return Array.from({ length: total }, (_, i) => ({
      name: `${name} ${i + 1}/${count}`,
      index: i + 1,
      total,
      variables: index === undefined ? [] : [{ name: index.name, value: String(index.first + i), raw: true }],
    }));
  }
  const rows: (readonly Variable[])[] = [];
  for (const entry of parallel.entries) {
    let product: (readonly Variable[])[] = [[]];
    for (const { name: variable, values } of entry) {
      product = product.flatMap((row) => values.map((value) => [...row, { name: variable, value }])).slice(0, maxLegs);
    }
    rows.push(...product);
  }
  return rows.slice(0, maxLegs).map((variables, i) => ({
    name: `${name}: [${variables.map(({ value }) => value).join(', ')}]`,
    index: i + 1,
    total,
    variables,
  }));
}
