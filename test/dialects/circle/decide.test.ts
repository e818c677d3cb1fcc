import { describe, expect, it } from 'vitest';
import { decideJobs, workflowLeftOut } from '../../../src/dialects/circle/decide.ts';
import { parseYaml } from '../../../src/syntax/parse.ts';
import { circleContext, processText } from './support.ts';

async function decided(filters: Readonly<Record<string, string>>, ref: { branch?: string; tag?: string }) {
  const jobs = Object.entries(filters).map(([name, more]) => `    - work: { name: ${name}, ${more} }`);
  const { processed, diagnostics } = await processText(
    `version: 2.1\njobs: { work: { docker: [{ image: a }], steps: [checkout] } }\nworkflows:\n  main:\n    jobs:\n${jobs.join('\n')}\n`,
  );
  const pipeline = { get: () => undefined, names: () => [] };
  const { branch: _, ...git } = circleContext.git;
  const found = [...diagnostics];
  const all = decideJobs(
    processed.workflows[0]!,
    { ...git, ...ref },
    { pipeline },
    { report: (one) => void found.push(one) },
  );
  return { names: all.filter(({ verdict }) => verdict.kind === 'in').map((each) => each.job.name), all, found };
}

describe('filters of jobs', () => {
  const filters = {
    all: 'filters: {}',
    main: 'filters: { branches: { only: main } }',
    features: 'filters: { branches: { only: [/feat-.*/, other] } }',
    'not-main': 'filters: { branches: { ignore: main } }',
    both: 'filters: { branches: { only: /m.*/, ignore: [main] } }',
    never: 'filters: { branches: { ignore: /.*/ }, tags: { only: /v\\d+/ } }',
    tags: 'filters: { tags: { only: /v.*/ } }',
    'no-drafts': 'filters: { tags: { ignore: /v0.*/ } }',
    look: "filters: { branches: { only: '/^(?!main).*$/' } }",
  };

  it.each([
    [{ branch: 'main' }, ['all', 'main', 'tags', 'no-drafts']],
    [{ branch: 'feat-x' }, ['all', 'features', 'not-main', 'tags', 'no-drafts', 'look']],
    [{ branch: 'my-feat-x' }, ['all', 'not-main', 'both', 'tags', 'no-drafts', 'look']],
    [{ tag: 'v1' }, ['never', 'tags', 'no-drafts']],
    [{ tag: 'v0.1' }, ['tags']],
  ])('for %j let in %j', async (ref, names) => {
    expect((await decided(filters, ref)).names).toEqual(names);
  });

  it('drop a job when all that it requires is dropped, and ignore what is dropped else', async () => {
    const { all } = await decided(
      {
        gone: 'filters: { branches: { only: other } }',
        stays: 'filters: {}',
        after: 'requires: [gone]',
        last: 'requires: [after, stays]',
      },
      { branch: 'main' },
    );
    expect(all.map(({ job, verdict, requires }) => [job.name, verdict.kind, requires.map(({ name }) => name)])).toEqual(
      [
        ['gone', 'out', []],
        ['stays', 'in', []],
        ['after', 'out', []],
        ['last', 'in', ['stays']],
      ],
    );
  });

  it('tell a pattern that is none', async () => {
    const { found } = await decided({ bad: "filters: { branches: { only: '/(/' } }" }, { branch: 'main' });
    expect(found.map(({ code }) => code)).toEqual(['circle/regex']);
  });

  it('look ahead at the begin of a pattern', async () => {
    const only = (pattern: string): string => `filters: { branches: { only: '/${pattern}/' } }`;
    const patterns = {
      'not-main': only('(?!main$).*'),
      both: only('^(?=feat)(?!.*wip).*$'),
      'in-class': only('(?![)(]x).+'),
    };
    expect((await decided(patterns, { branch: 'main' })).names).toEqual(['in-class']);
    expect((await decided(patterns, { branch: 'maintain' })).names).toEqual(['not-main', 'in-class']);
    expect((await decided(patterns, { branch: 'feat-wip' })).names).toEqual(['not-main', 'in-class']);
    expect((await decided(patterns, { branch: 'feat-a' })).names).toEqual(['not-main', 'both', 'in-class']);
  });
});

describe('workflows', () => {
  const plain = { name: 'main', span: { file: '', start: 0, end: 0 }, jobs: [], settings: [], isScheduled: false };
  const nightly = { ...plain, name: 'nightly', isScheduled: true };
  it.each([
    [plain, 'push', [], undefined],
    [nightly, 'push', [], 'it runs by schedule: use `--event schedule`'],
    [nightly, 'schedule', [], undefined],
    [plain, 'schedule', [], 'a schedule starts other workflows'],
    [nightly, 'push', ['nightly'], undefined],
    [plain, 'push', ['nightly'], 'another workflow is named on the command line'],
    [{ ...plain, leftOutBecause: 'x' }, 'push', [], 'x'],
    [{ ...plain, leftOutBecause: 'x' }, 'push', ['main'], undefined],
  ] as const)('%#', (workflow, source, named, expected) => {
    expect(workflowLeftOut(workflow, { source }, named, true)).toBe(expected);
  });
});

it('looks at each job a few times only, however long the chain is that is dropped', () => {
  const span = { file: 'config.yml', start: 0, end: 0 };
  let looks = 0;
  const filters = parseYaml('config.yml', 'branches: { ignore: main }', 'yaml-1.2').value![0]!;
  const count = 2000;
  const jobs = Array.from({ length: count + 1 }, (_, index) => ({
    ...{ name: `j${index}`, span, type: 'build', alsoCalled: [], contexts: [], missingOrbs: [] },
    ...(index === count ? { filters } : {}),
    get requires() {
      looks++;
      return index === count ? [] : [{ name: `j${index + 1}`, span }];
    },
  }));
  const workflow = { name: 'main', span, isScheduled: false, settings: [], jobs };
  const pipeline = { get: () => undefined, names: () => [] };
  const decided = decideJobs(workflow, circleContext.git, { pipeline }, { report: () => {} });
  expect(decided.filter(({ verdict }) => verdict.kind === 'in')).toEqual([]);
  expect(looks).toBeLessThan(10 * count);
});
