import { describe, expect, it } from 'vitest';
import type { JobDefinition, Pipeline, Rule } from '../../src/model/pipeline.ts';
import { checkPresence } from '../../src/plan/check-presence.ts';
import { checkReferences } from '../../src/plan/check-references.ts';
import { compileText } from '../support/compile-text.ts';

const jobs = (count: number): string =>
  Array.from(
    { length: count },
    (_, index) => `job-${index}: { extends: .base, needs: [${index === 0 ? '' : `job-${index - 1}`}] }\n`,
  ).join('');
const base = '.base: { script: [make], rules: [{ if: $A }, { if: $A, exists: [x] }, { changes: [y] }] }\n';

/** The pipeline, and how often the conditions of its rules are read. */
async function counted(count: number): Promise<{ readonly pipeline: Pipeline; readonly reads: () => number }> {
  const { compiled } = await compileText(base + jobs(count));
  let reads = 0;
  const seen = new Map<object, unknown>();
  const counting = <T extends object>(value: T): T => {
    if (!seen.has(value)) {
      const get = (target: T, key: string | symbol): unknown => {
        if (key === 'if') reads++;
        return Reflect.get(target, key);
      };
      seen.set(value, new Proxy(value, { get }));
    }
    return seen.get(value) as T;
  };
  const lists = new Map<readonly Rule[], readonly Rule[]>();
  const listOf = (rules: readonly Rule[]): readonly Rule[] => {
    if (!lists.has(rules)) lists.set(rules, rules.map(counting));
    return lists.get(rules)!;
  };
  const withCounting = (job: JobDefinition): JobDefinition => (job.rules ? { ...job, rules: listOf(job.rules) } : job);
  return { pipeline: { ...compiled!.pipeline, jobs: compiled!.pipeline.jobs.map(withCounting) }, reads: () => reads };
}

describe('the check of rules', () => {
  it('looks once at a list that many jobs share, and tells a useless rule once', async () => {
    const few = await counted(10);
    const many = await counted(1000);
    for (const { pipeline } of [few, many]) {
      const told = checkReferences(pipeline).map(({ code }) => code);
      expect(told).toEqual(['plan/unreachable-rule']);
    }
    expect(many.reads()).toBe(few.reads());
  });

  it('finds out of each job once whether it can be in a pipeline', async () => {
    const few = await counted(100);
    const many = await counted(1000);
    expect([...checkPresence(few.pipeline), ...checkPresence(many.pipeline)]).toEqual([]);
    expect(many.reads()).toBe(10 * few.reads());
  });
});
