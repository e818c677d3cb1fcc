import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '../../src/diagnostics/diagnostic.ts';
import { checkVariables } from '../../src/plan/check-variables.ts';
import { plan } from '../../src/plan/plan.ts';
import { context, defined, type JobWords, job, pipeline, selection } from '../support/pipeline-builder.ts';

type Written = Readonly<Record<string, string>>;

function messages(global: Written, ...jobs: readonly JobWords[]): readonly string[] {
  const told: Diagnostic[] = [];
  const made = pipeline(
    jobs.map((words, i) => job(`j${i}`, words)),
    { variables: global },
  );
  checkVariables(made, (diagnostic) => told.push(diagnostic));
  return told.map(({ message }) => message.replace(' refer to each other in a circle', ''));
}

describe('variables that refer to each other', () => {
  it.each<readonly [string, Written, readonly JobWords[], readonly string[]]>([
    ['none', { A: '$B', B: 'b' }, [{ variables: { C: '$A' } }], []],
    ['itself', { A: '$A:x' }, [{ variables: { PATH: '$PATH:/x' } }], []],
    ['two', { A: '$B', B: '${A}' }, [{}], ['the variables `A` and `B`']],
    ['three', { A: '$B', B: '$C', C: '$A', D: '$A' }, [{}], ['the variables `A`, `B` and `C`']],
    [
      'two pairs',
      { A: '$B', B: '$A', C: '$D', D: '$C' },
      [],
      ['the variables `A` and `B`', 'the variables `C` and `D`'],
    ],
    ['in a job', {}, [{ variables: { A: '$B', B: '$A' } }], ['the variables `A` and `B`']],
    ['job and global', { A: '$B' }, [{ variables: { B: '$A' } }], ['the variables `A` and `B`']],
    ['through a global one', { A: '$B', B: '$C' }, [{ variables: { C: '$A' } }], ['the variables `A`, `B` and `C`']],
    ['one that the job overrides', { A: '$B', B: 'b' }, [{ variables: { B: '$C', A: 'a' } }], []],
    ['one that the job does not inherit', { A: '$B' }, [{ inheritVariables: false, variables: { B: '$A' } }], []],
    ['global, told once', { A: '$B', B: '$A' }, [{ variables: { C: '$A' } }, {}], ['the variables `A` and `B`']],
    ['escaped', { A: '$$B', B: '$A' }, [], []],
  ])('%s', (_, global, jobs, expected) => {
    expect(messages(global, ...jobs)).toEqual(expected);
  });

  it('does not count a raw value', () => {
    const [a] = defined({ A: '$B' });
    const told: Diagnostic[] = [];
    const made = { ...pipeline([]), variables: [{ ...a!, raw: true }, ...defined({ B: '$A' })] };
    checkVariables(made, (diagnostic) => told.push(diagnostic));
    expect(told).toEqual([]);
  });
});

it('a name of the pipeline that comes out empty is none', () => {
  const name = (text: string) => plan(pipeline([job('a')], { name: text }), context(), selection()).value?.name;
  expect([name(' Build of $CI_COMMIT_BRANCH '), name('$NONE'), name(' ')]).toEqual([
    'Build of main',
    undefined,
    undefined,
  ]);
});
