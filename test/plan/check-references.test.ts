import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JobDefinition } from '../../src/model/pipeline.ts';
import { checkReferences } from '../../src/plan/check-references.ts';
import { findCycle } from '../../src/plan/find-cycle.ts';
import { plan } from '../../src/plan/plan.ts';
import { context, type JobWords, job, type PipelineWords, pipeline, selection } from '../support/pipeline-builder.ts';

function messages(jobs: readonly JobDefinition[], words?: PipelineWords): readonly string[] {
  return checkReferences(pipeline(jobs, words)).map(({ severity, code, message }) => `${severity} ${code}: ${message}`);
}

describe('what is refused', () => {
  type Row = readonly [
    title: string,
    jobs: Readonly<Record<string, JobWords>>,
    expected: readonly RegExp[],
    words?: PipelineWords,
  ];
  const rows: readonly Row[] = [
    ['nothing', { a: { stage: 'build' }, b: { needs: ['a'], dependencies: ['a'] }, c: { dependencies: ['a'] } }, []],
    ['a stage', { a: { stage: 'tset' } }, [/^error plan\/unknown-stage: stage `tset` of job `a`/]],
    [
      'a stage in an incomplete pipeline',
      { a: { stage: 'tset' } },
      [/^warning plan\/unknown-stage/],
      { incomplete: true },
    ],
    ['a need', { a: { needs: ['x'] } }, [/^error plan\/unknown-need: job `a` needs `x`/]],
    ['a need of a rule', { a: { rules: [{ needs: ['x'] }] } }, [/^error plan\/unknown-need/]],
    [
      'a need in an incomplete pipeline',
      { a: { needs: ['x'] } },
      [/^warning plan\/unknown-need/],
      { incomplete: true },
    ],
    ['an optional need', { a: { needs: [{ job: 'x', optional: true }] } }, []],
    [
      'legs',
      { m: { parallel: [{ A: ['1'] }] }, a: { needs: [{ job: 'm', matrix: [{ A: '2' }] }] } },
      [/unknown-need: .*legs of `m`/],
    ],
    ['a leg that is there', { m: { parallel: 2 }, a: { needs: ['m 2/2'] } }, []],
    ['a leg that is not', { m: { parallel: 2 }, a: { needs: ['m 3/2'] } }, [/unknown-need/]],
    ['itself', { a: { needs: ['a'] } }, [/^error plan\/need-itself/]],
    ['its own leg', { a: { parallel: 2, needs: ['a 1/2'] } }, [/^error plan\/need-itself/]],
    [
      'a later stage',
      { a: { needs: ['b'] }, b: { stage: 'deploy' } },
      [/^error plan\/need-later-stage: job `a` in stage `test` needs `b` of the later stage `deploy`/],
    ],
    [
      'a circle',
      { a: { needs: ['b'] }, b: { needs: ['c'] }, c: { needs: ['a'] }, d: { needs: ['a'] } },
      [/^error plan\/need-cycle: .*`a` → `b` → `c` → `a`/],
    ],
    ['a circle by a leg', { a: { needs: ['b 1/2'] }, b: { parallel: 2, needs: ['a'] } }, [/need-cycle/]],
    ['a dependency', { a: { dependencies: ['x'] } }, [/^error plan\/unknown-dependency/]],
    [
      'a dependency in an incomplete pipeline',
      { a: { dependencies: ['x'] } },
      [/^warning plan\/unknown-dependency/],
      { incomplete: true },
    ],
    [
      'a dependency of the same stage',
      { a: { dependencies: ['b'] }, b: {} },
      [/^warning plan\/dependency-later-stage/],
    ],
    [
      'a dependency of a later stage',
      { a: { stage: 'build', dependencies: ['b'] }, b: {} },
      [/^error plan\/dependency-later-stage/],
    ],
    ['a need twice', { a: {}, b: { needs: ['a', 'a'] } }, [/^error plan\/duplicate-need: job `b` needs `a` twice/]],
    ['a need of a rule twice', { a: {}, b: { rules: [{ needs: ['a', 'a'] }] } }, [/^error plan\/duplicate-need/]],
    ['a job and its leg', { a: { parallel: 2 }, b: { needs: ['a', 'a 1/2'] } }, [/^error plan\/duplicate-need/]],
    ['two legs', { a: { parallel: 2 }, b: { needs: ['a 2/2', 'a 1/2'] } }, []],
    [
      'a dependency that is no need',
      { a: { needs: ['b'], dependencies: ['c'] }, b: {}, c: {} },
      [/^error plan\/dependency-not-needed/],
    ],
    [
      'a dependency on a needed leg',
      { m: { stage: 'build', parallel: 2 }, a: { needs: ['m'], dependencies: ['m 1/2'] } },
      [],
    ],
    [
      'a name twice',
      { m: { parallel: 2 }, 'm 1/2': {} },
      [/^error plan\/duplicate-name: two jobs are called `m 1\/2`/],
    ],
    ['a long name', { m: { parallel: [{ A: ['x'.repeat(255)] }] } }, [/^error plan\/name-too-long/]],
    [
      'a rule after one that always matches',
      { a: { rules: [{ if: '$A' }, { when: 'manual' }, { if: '$B' }] } },
      [/^warning plan\/unreachable-rule/],
    ],
    [
      'a workflow rule after one that always matches',
      { a: {} },
      [/^warning plan\/unreachable-rule/],
      { workflowRules: [{}, { if: '$B' }] },
    ],
    ['a glob', { a: { rules: [{ exists: ['x'.repeat(5000)] }] } }, [/^error plan\/bad-glob/]],
  ];

  it.each(rows.map(([title, jobs, expected, words]) => ({ title, jobs, expected, words })))(
    '$title',
    ({ jobs, expected, words }) => {
      const told = messages(
        Object.entries(jobs).map(([name, one]) => job(name, one)),
        words,
      );
      expect(told).toEqual(expected.map((part) => expect.stringMatching(part)));
    },
  );
});

it('says what may be meant', () => {
  const [stage, need] = checkReferences(
    pipeline([job('a', { stage: 'biuld' }), job('b', { needs: ['bb'] }), job('bbb')]),
  );
  expect(stage?.hint).toBe('did you mean `build`?');
  expect(need?.hint).toMatch(/did you mean/);
});

it('finds a circle that only rules:needs makes', () => {
  const jobs = [job('a', { rules: [{ needs: ['b'] }] }), job('b', { rules: [{ needs: ['a'] }] })];
  expect(checkReferences(pipeline(jobs))).toEqual([]);
  const result = plan(pipeline(jobs), context(), selection());
  expect(result.value).toBeUndefined();
  expect(result.diagnostics).toEqual([expect.objectContaining({ code: 'plan/need-cycle' })]);
});

it('drops what an incomplete pipeline does not know', () => {
  const result = plan(
    pipeline([job('a', { needs: ['x'] }), job('b', { stage: 'nowhere' }), job('c', { needs: ['b'] })], {
      incomplete: true,
    }),
    context(),
    selection(),
  );
  expect(result.value?.nodes.map(({ id }) => id)).toEqual(['a', 'c']);
  expect(result.value?.decisions[1]).toMatchObject({ included: false, because: 'its stage does not exist' });
});

describe('findCycle', () => {
  it.each<readonly [Record<string, string[]>, readonly string[] | undefined]>([
    [{}, undefined],
    [{ a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }, undefined],
    [{ a: ['a'] }, ['a', 'a']],
    [{ a: ['b'], b: ['c'], c: ['b'] }, ['b', 'c', 'b']],
    [{ a: ['x'] }, undefined],
  ])('%j', (edges, expected) => expect(findCycle(new Map(Object.entries(edges)))).toEqual(expected));

  it('takes a chain of 100,000', () => {
    const edges = new Map(Array.from({ length: 100_000 }, (_, i) => [`${i}`, [`${i + 1}`]] as const));
    expect(findCycle(edges)).toBeUndefined();
  });
});

it('planning never throws, and edges never leave the plan', () => {
  const names = ['a', 'b', 'c', 'a: [1]', 'b 1/2'];
  const need = fc.record({ job: fc.constantFrom(...names, 'zzz'), optional: fc.boolean(), artifacts: fc.boolean() });
  const rule = fc.record(
    {
      if: fc.constantFrom('$A', '$CI_COMMIT_BRANCH', '$A ==', '!'),
      when: fc.constantFrom('manual' as const, 'never' as const, 'on_success' as const),
      needs: fc.array(need, { maxLength: 2 }),
    },
    { requiredKeys: [] },
  );
  const words = fc.record(
    {
      stage: fc.constantFrom('build', 'test', 'deploy', '.pre', '.post', 'nope'),
      needs: fc.array(need, { maxLength: 3 }),
      rules: fc.array(rule, { maxLength: 3 }),
      dependencies: fc.array(fc.constantFrom(...names), { maxLength: 2 }),
      parallel: fc.constantFrom(2, [{ A: ['1', '2'] }], [{ A: [] }]),
      when: fc.constantFrom('manual' as const, 'delayed' as const),
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<JobWords>;
  const chosen = fc.record(
    {
      selectors: fc.array(fc.constantFrom(...names, '*', 'a*', '['), { maxLength: 2 }),
      stages: fc.array(fc.constantFrom('test', 'build'), { maxLength: 1 }),
      withNeeds: fc.boolean(),
      from: fc.constantFrom('a', 'b'),
      only: fc.array(fc.constantFrom(...names), { maxLength: 2 }),
      manual: fc.constantFrom('all' as const, ['b']),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.tuple(words, words, words), fc.boolean(), chosen, ([a, b, c], incomplete, asked) => {
      const result = plan(
        pipeline([job('a', a), job('b', b), job('c', c)], { incomplete }),
        context(),
        selection(asked),
      );
      const ids = new Set(result.value?.nodes.map(({ id }) => id));
      expect(ids.size).toBe(result.value?.nodes.length ?? 0);
      for (const node of result.value?.nodes ?? []) for (const edge of node.needs) expect(ids.has(edge.id)).toBe(true);
      if (!result.value) expect(result.diagnostics.length + result.unknownSelectors.length).toBeGreaterThan(0);
    }),
    { numRuns: 500 },
  );
});
