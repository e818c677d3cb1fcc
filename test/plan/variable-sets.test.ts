import { describe, expect, it } from 'vitest';
import { uniqueVariables } from '../../src/expressions/merge-variables.ts';
import type { JobDefinition } from '../../src/model/pipeline.ts';
import type { JobNode } from '../../src/model/plan.ts';
import type { Step } from '../../src/model/step.ts';
import type { Variable } from '../../src/model/variable.ts';
import { plan } from '../../src/plan/plan.ts';
import { context, given, job, pipeline, selection } from '../support/pipeline-builder.ts';

const sets: Readonly<Record<string, readonly Variable[]>> = {
  one: given({ SET: 'one', ONE: 'one', BUILT_IN: 'one', GIVEN: 'one', OWN: 'one' }, { masked: true, raw: true }),
  two: given({ SET: 'two' }, { masked: true, raw: true }),
};

function planned(jobs: readonly JobDefinition[], only: readonly string[] = []) {
  const around = {
    ...context({}),
    projectVariables: given({ GIVEN: 'project', BUILT_IN: 'project', OWN: 'project' }),
    pipelineVariables: given({ PIPELINE: 'pipeline', OWN: 'pipeline' }),
    variableSets: { get: (name: string) => sets[name], definedIn: '/settings' },
  };
  const file = { ...pipeline(jobs), givenVariables: 'below' as const, predefined: given({ BUILT_IN: 'built in' }) };
  return plan(file, around, selection({ selectors: only, withNeeds: only.length === 0 })).value!;
}

const valuesOf = ({ variables }: JobNode): Readonly<Record<string, string>> =>
  Object.fromEntries(
    uniqueVariables(variables.belowDotenv, variables.aboveDotenv).map(({ name, value }) => [name, value]),
  );

describe('sets of variables', () => {
  it('stand above what the user gives and below all else, a later set above an earlier one', () => {
    const { nodes } = planned([job('a', { variables: { OWN: 'file' }, variableSets: ['one', 'two'] }), job('b')]);
    const [a, b] = nodes as readonly JobNode[];
    expect(valuesOf(a!)).toMatchObject({
      SET: 'two',
      ONE: 'one',
      GIVEN: 'one',
      PIPELINE: 'pipeline',
      BUILT_IN: 'built in',
      OWN: 'file',
    });
    expect(valuesOf(b!)).toMatchObject({ GIVEN: 'project', BUILT_IN: 'built in', OWN: 'pipeline' });
    expect(valuesOf(b!)).not.toHaveProperty('SET');
  });

  it('that nobody has defined are told once each, with where to do it', () => {
    const jobs = [job('a', { variableSets: ['my org', 'one'] }), job('b', { variableSets: ['my org'] })];
    expect(planned(jobs).notices).toEqual([
      'the context `my org` is not on this machine: a and 1 more will run without its variables ' +
        '(define it below `[contexts."my org"]` in /settings)',
    ]);
    expect(planned([job('a', { variableSets: ['one'] })]).notices).toEqual([]);
  });
});

describe('the workspace of a job', () => {
  const attach: Step = { kind: 'attach-workspace', at: '.', phase: 'script', when: 'on_success' };
  const persist: Step = { kind: 'persist-workspace', root: '.', paths: ['.'], phase: 'script', when: 'on_success' };
  const jobs = [
    job('deploy', { needs: ['b', 'c', 'gate'], steps: [attach], uploads: false }),
    job('c', { needs: ['plain'], steps: [persist], uploads: false }),
    job('b', { needs: ['a'], steps: [attach, persist], uploads: false }),
    job('plain', { needs: ['a'] }),
    job('gate', { kind: 'approval', needs: [] }),
    job('a', { needs: [], steps: [persist], uploads: false }),
    job('beside', { needs: [], steps: [persist], uploads: false }),
  ];

  it.each([[[]], [['deploy']]])('has what was persisted before, needed jobs first, whatever is run: %j', (only) => {
    const nodes = planned(jobs, only).nodes as readonly JobNode[];
    expect(nodes.find(({ id }) => id === 'deploy')!.workspaceFrom).toEqual([
      { id: 'a', after: [] },
      { id: 'b', after: ['a'] },
      { id: 'c', after: ['a'] },
    ]);
  });

  it('is not looked for where nobody attaches it', () => {
    const nodes = planned(jobs).nodes as readonly JobNode[];
    expect(nodes.find(({ id }) => id === 'a')).not.toHaveProperty('workspaceFrom');
  });
});
