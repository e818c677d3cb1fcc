import { describe, expect, it } from 'vitest';
import type { JobDefinition } from '../../src/model/pipeline.ts';
import type { JobNode, Plan, PlanNode, Selection } from '../../src/model/plan.ts';
import type { VariableLayers } from '../../src/model/variable.ts';
import { environmentSlug, environmentTier } from '../../src/plan/environment.ts';
import { plan } from '../../src/plan/plan.ts';
import { cpuTimer } from '../support/cpu-timer.ts';
import {
  type ContextWords,
  context,
  given,
  type JobWords,
  job,
  type PipelineWords,
  pipeline,
  type RuleWords,
  selection,
} from '../support/pipeline-builder.ts';

interface Given {
  readonly pipeline?: PipelineWords;
  readonly context?: ContextWords;
  readonly selection?: Partial<Selection>;
}

function planned(jobs: readonly JobDefinition[], words: Given = {}): Plan {
  const result = plan(pipeline(jobs, words.pipeline), context(words.context), selection(words.selection));
  if (!result.value) throw new Error(JSON.stringify([result.diagnostics, result.unknownSelectors]));
  return result.value;
}

const ids = (value: Plan): readonly string[] => value.nodes.map((node) => node.id);
const needs = (node: PlanNode | undefined): readonly string[] | undefined => node?.needs.map((edge) => edge.id);

function node(value: Plan, id: string): JobNode {
  const found = value.nodes.find((one) => one.id === id);
  if (found?.kind !== 'job') throw new Error(`no job ${id} in ${ids(value).join(', ')}`);
  return found;
}

function variableValue(layers: VariableLayers, name: string): string | undefined {
  return [...layers.belowDotenv, ...layers.aboveDotenv].findLast((variable) => variable.name === name)?.value;
}

describe('rules', () => {
  type Row = readonly [title: string, rules: readonly RuleWords[], expected: Record<string, unknown>, words?: JobWords];
  const rows: readonly Row[] = [
    ['none matches', [{ if: '$CI_COMMIT_BRANCH == "x"' }], { included: false, because: 'no rule matches' }],
    [
      'the first that matches counts',
      [{ if: '$NO' }, { if: '$CI_COMMIT_BRANCH', when: 'always' }, { when: 'never' }],
      { included: true, when: 'always', because: 'rule 2 matches' },
    ],
    [
      'when: never',
      [{ if: '$CI_COMMIT_BRANCH', when: 'never' }, {}],
      { included: false, because: 'rule 1 says `when: never`' },
    ],
    ['an empty rule', [{}], { included: true, when: 'on_success', allowFailure: false }],
    ["the job's own when", [{}], { when: 'manual', allowFailure: true }, { when: 'manual' }],
    ['manual in a rule blocks', [{ when: 'manual' }], { when: 'manual', allowFailure: false }],
    [
      'manual in a rule, allowed to fail',
      [{ when: 'manual', allowFailure: true }],
      { when: 'manual', allowFailure: true },
    ],
    ["the job's own allow_failure", [{}], { allowFailure: { exitCodes: [3] } }, { allowFailure: { exitCodes: [3] } }],
    ["a rule's allow_failure wins", [{ allowFailure: false }], { allowFailure: false }, { allowFailure: true }],
    ['changes', [{ changes: ['src/**/*'] }], { included: true }],
    ['changes elsewhere', [{ changes: ['docs/**/*'] }], { included: false }],
    ['changes with a variable', [{ changes: ['$DIR/*.ts'] }], { included: true }, { variables: { DIR: 'src' } }],
    [
      'changes with a variable in a variable',
      [{ changes: ['$OUTER/*.ts'] }],
      { included: true },
      { variables: { DIR: 'src', OUTER: '$DIR' } },
    ],
    ['if without one', [{ if: '$OUTER == "src"' }], { included: false }, { variables: { DIR: 'src', OUTER: '$DIR' } }],
    ['exists', [{ exists: ['Dockerfile'] }], { included: true }],
    ['exists not', [{ exists: ['*.py', 'nope'] }], { included: false }],
    ['all must hold', [{ if: '$CI_COMMIT_BRANCH', changes: ['src/*.ts'], exists: ['nope'] }], { included: false }],
    ['variables of the job', [{ if: '$MINE == "1"' }], { included: true }, { variables: { MINE: '1' } }],
  ];

  it.each(rows.map(([title, rules, expected, words = {}]) => ({ title, rules, expected, words })))(
    '$title',
    ({ rules, expected, words }) => {
      const result = planned([job('always'), job('a', { ...words, rules })], {
        context: { changed: ['src/a.ts'], paths: ['Dockerfile', 'src/a.ts'] },
      });
      expect(result.decisions[1]).toMatchObject(expected);
      expect(ids(result).includes('a')).toBe(result.decisions[1]?.included);
    },
  );

  it('are told also where a need on a job that is left out keeps the rest from being a plan', () => {
    const jobs = [job('a', { stage: 'build', rules: [{ if: '$NO' }] }), job('b', { needs: ['a'] })];
    const result = plan(pipeline(jobs), context(), selection());
    expect(result.value).toBeUndefined();
    expect(result.diagnostics.map(({ code }) => code)).toEqual(['plan/need-left-out']);
    expect(result.decisions).toMatchObject([
      { name: 'a', included: false, because: 'no rule matches', selected: false },
      { name: 'b', included: true, selected: false },
    ]);
  });

  it('changes is true when there is nothing to compare with', () => {
    const [decision] = planned([job('a', { rules: [{ changes: ['x'] }] })]).decisions;
    expect(decision).toMatchObject({ included: true });
    expect(decision?.rules[0]?.clauses[0]?.values).toEqual(['there is nothing to compare with']);
  });

  it('hands compare_to on, expanded', () => {
    const seen: (string | undefined)[] = [];
    const query = { paths: () => [], knowsRevision: () => true, changedPaths: (base?: string) => void seen.push(base) };
    planned([job('a', { variables: { B: 'dev' }, rules: [{ changes: ['x'], compareTo: 'refs/heads/$B' }] })], {
      context: { query },
    });
    expect(seen).toEqual(['refs/heads/dev']);
  });

  it('asks the repository only where a rule does', () => {
    const query = {
      paths: () => expect.unreachable(),
      knowsRevision: () => expect.unreachable(),
      changedPaths: () => expect.unreachable(),
    };
    planned([job('a', { rules: [{ if: '$NO', changes: ['x'] }, { if: '$NO', exists: ['x'] }, {}] })], {
      context: { query },
    });
  });

  it('a rule sets needs, start_in, interruptible and variables', () => {
    const result = planned([
      job('one', { stage: 'build' }),
      job('two', { stage: 'build' }),
      job('a', {
        needs: ['one'],
        variables: { V: 'job' },
        rules: [
          {
            if: '$CI_COMMIT_BRANCH',
            needs: ['two'],
            when: 'delayed',
            startInMs: 5000,
            interruptible: true,
            variables: { V: 'rule' },
          },
        ],
      }),
    ]);
    expect(node(result, 'a')).toMatchObject({
      when: 'delayed',
      startInMs: 5000,
      interruptible: true,
      scheduling: 'dag',
    });
    expect(needs(node(result, 'a'))).toEqual(['two']);
    expect(variableValue(node(result, 'a').variables, 'V')).toBe('rule');
  });

  it('a manual job outside of rules may fail', () => {
    expect(node(planned([job('a', { when: 'manual' })]), 'a').allowFailure).toBe(true);
    expect(node(planned([job('a', { when: 'manual', allowFailure: false })]), 'a').allowFailure).toBe(false);
  });

  it('tells what it saw, without secrets', () => {
    const rules = [
      { if: '$TOKEN == "x" || $UNSET' },
      { changes: ['docs/*'] },
      { exists: ['a*'] },
      { if: '$CI_COMMIT_BRANCH' },
    ];
    const result = planned([job('a', { rules })], {
      context: { project: given({ TOKEN: 'hunter2' }, { masked: true }), changed: ['x', 'y'], paths: ['abc'] },
    });
    expect(
      result.decisions[0]?.rules.map(({ result, clauses }) => [result, clauses.flatMap(({ values }) => values)]),
    ).toEqual([
      ['not-matched', ['$TOKEN = [MASKED]', '$UNSET is not set']],
      ['not-matched', ['no match in 2 changed paths']],
      ['matched', ['found: abc']],
      ['not-reached', []],
    ]);
    expect(JSON.stringify(result.decisions)).not.toContain('hunter2');
  });

  it('judges each leg of a matrix by its own variables', () => {
    const result = planned([job('a', { parallel: [{ OS: ['linux', 'mac'] }], rules: [{ if: '$OS == "mac"' }] })]);
    expect(ids(result)).toEqual(['a: [mac]']);
    expect(result.decisions[0]).toMatchObject({ included: true, ids: ['a: [mac]'] });
  });
});

describe('workflow', () => {
  const jobs = [job('a', { rules: [{ if: '$MODE == "fast"' }] }), job('b')];

  it('lets the pipeline in and gives variables to all jobs', () => {
    const result = planned(jobs, {
      pipeline: {
        name: 'Run $MODE on $CI_COMMIT_BRANCH',
        variables: { MODE: 'slow' },
        workflowRules: [{ if: '$MODE == "slow"', variables: { MODE: 'fast' } }],
      },
    });
    expect(ids(result)).toEqual(['a', 'b']);
    expect(result.name).toBe('Run fast on main');
    expect(variableValue(node(result, 'b').variables, 'MODE')).toBe('fast');
    expect(variableValue(node(result, 'b').variables, 'CI_PIPELINE_NAME')).toBe('Run fast on main');
  });

  it.each([
    [[{ if: '$NO' }], /no rule/],
    [[{ if: '$CI_COMMIT_BRANCH', when: 'never' as const }], /rule 1/],
  ])('leaves it out', (workflowRules, because) => {
    const result = planned(jobs, { pipeline: { workflowRules } });
    expect(result.nodes).toEqual([]);
    expect(result.leftOutBecause).toMatch(because);
    expect(result.decisions).toHaveLength(2);
  });

  it('leaves out a pipeline of .pre and .post jobs only', () => {
    const edge = [job('a', { stage: '.pre' }), job('b', { stage: '.post' })];
    expect(planned(edge).leftOutBecause).toMatch(/\.pre/);
    expect(ids(planned([...edge, job('c')]))).toEqual(['a', 'c', 'b']);
    expect(ids(planned(edge, { selection: { selectors: ['a'] } }))).toEqual(['a']);
  });
});

describe('parallel', () => {
  it('names like GitLab', () => {
    const result = planned([
      job('n', { parallel: 3 }),
      job('m', {
        parallel: [
          { V: ['18', '20'], OS: ['linux', 'mac'] },
          { V: ['22'], OS: ['bsd'] },
        ],
      }),
    ]);
    expect(ids(result)).toEqual([
      'n 1/3',
      'n 2/3',
      'n 3/3',
      'm: [18, linux]',
      'm: [18, mac]',
      'm: [20, linux]',
      'm: [20, mac]',
      'm: [22, bsd]',
    ]);
    const leg = node(result, 'm: [20, linux]');
    expect(leg.group).toBe('m');
    for (const [name, value] of Object.entries({
      V: '20',
      OS: 'linux',
      CI_NODE_INDEX: '3',
      CI_NODE_TOTAL: '5',
      CI_JOB_NAME: 'm: [20, linux]',
      CI_JOB_NAME_SLUG: 'm---20--linux',
      CI_JOB_GROUP_NAME: 'm',
    })) {
      expect(variableValue(leg.variables, name), name).toBe(value);
    }
    expect(variableValue(node(result, 'n 2/3').variables, 'CI_NODE_INDEX')).toBe('2');
  });

  const build = job('b', { stage: 'build', parallel: [{ A: ['1', '2'], B: ['x', 'y'] }] });
  it.each<readonly [string, JobWords['needs'] & {}, readonly string[]]>([
    ['the base name means all legs', ['b'], ['b: [1, x]', 'b: [1, y]', 'b: [2, x]', 'b: [2, y]']],
    ['one leg by its name', ['b: [2, x]'], ['b: [2, x]']],
    ['by values', [{ job: 'b', matrix: [{ A: '1' }] }], ['b: [1, x]', 'b: [1, y]']],
    [
      'by several sets of values',
      [
        {
          job: 'b',
          matrix: [
            { A: '1', B: 'y' },
            { A: '2', B: 'x' },
          ],
        },
      ],
      ['b: [1, y]', 'b: [2, x]'],
    ],
  ])('needs: %s', (_, words, expected) => {
    const result = planned([build, job('t', { needs: words })]);
    expect(needs(node(result, 't'))).toEqual(expected);
    expect(node(result, 't').artifactsFrom).toEqual(expected);
  });
});

it('needs the leg with its own values', () => {
  const matrix = [{ ARCH: ['arm', 'x86'] }];
  const result = planned([
    job('image', { stage: 'build', parallel: matrix }),
    job('build', { parallel: matrix, needs: [{ job: 'image', matrix: [{ ARCH: '$[[ matrix.ARCH ]]' }] }] }),
  ]);
  expect(needs(node(result, 'build: [arm]'))).toEqual(['image: [arm]']);
  expect(needs(node(result, 'build: [x86]'))).toEqual(['image: [x86]']);
});

describe('edges and artifacts', () => {
  it('stages share one list of edges', () => {
    const jobs = ['build', 'test', 'deploy'].flatMap((stage) =>
      Array.from({ length: 400 }, (_, i) => job(`${stage}${i}`, { stage })),
    );
    const spentMs = cpuTimer();
    const result = planned(jobs);
    expect(spentMs()).toBeLessThan(5000);
    expect(new Set(result.nodes.map((one) => one.needs)).size).toBe(3);
    expect(new Set(result.nodes.map((one) => one.kind === 'job' && one.artifactsFrom)).size).toBe(3);
    expect(result.nodes.at(-1)?.needs).toHaveLength(800);
    expect(Object.isFrozen(result.nodes.at(-1)?.needs)).toBe(true);
  });

  it('receives artifacts as GitLab does', () => {
    const result = planned([
      job('one', { stage: 'build' }),
      job('two', { stage: 'build' }),
      job('silent', { stage: 'build', uploads: false }),
      job('all'),
      job('none', { dependencies: [] }),
      job('some', { dependencies: ['two'] }),
      job('needed', { needs: ['two', { job: 'one', artifacts: false }] }),
      job('both', { needs: ['one', 'two'], dependencies: ['one'] }),
      job('last', { stage: 'deploy' }),
    ]);
    const from = (id: string) => node(result, id).artifactsFrom;
    expect(from('all')).toEqual(['one', 'two']);
    expect(from('none')).toEqual([]);
    expect(from('some')).toEqual(['two']);
    expect(from('needed')).toEqual(['two']);
    expect(needs(node(result, 'needed'))).toEqual(['two', 'one']);
    expect(from('both')).toEqual(['one']);
    expect(from('last')).toEqual(['one', 'two', 'all', 'none', 'some', 'needed', 'both']);
    expect(needs(node(result, 'all'))).toEqual(['one', 'two', 'silent']);
  });

  it('an optional need may be missing', () => {
    const result = planned([
      job('a', { stage: 'build', rules: [{ if: '$NO' }] }),
      job('b', {
        needs: [
          { job: 'a', optional: true },
          { job: 'nowhere', optional: true },
        ],
      }),
    ]);
    expect(needs(node(result, 'b'))).toEqual([]);
    expect(node(result, 'b').scheduling).toBe('dag');
  });

  it('keeps statuses of a need', () => {
    const result = planned([job('a'), job('b', { needs: [{ job: 'a', statuses: ['failed'] }] })]);
    expect(node(result, 'b').needs).toEqual([{ id: 'a', statuses: ['failed'] }]);
  });
});

describe('selection', () => {
  const jobs = [
    job('compile', { stage: 'build' }),
    job('assets', { stage: 'build' }),
    job('unit', { needs: ['compile'] }),
    job('test:a/b', {}),
    job('approve', { stage: 'deploy', when: 'manual', needs: [] }),
    job('ship', { stage: 'deploy', needs: ['unit', 'approve'] }),
    job('nightly', { stage: 'deploy', needs: ['gather'], rules: [{ if: '$NIGHTLY' }] }),
    job('gather', { stage: 'build', rules: [{ if: '$NIGHTLY' }] }),
    job('matrix', { stage: 'deploy', needs: [], parallel: [{ V: ['1', '2'] }] }),
  ];

  it.each<readonly [string, Partial<Selection>, readonly string[]]>([
    ['everything', {}, ['compile', 'assets', 'unit', 'test:a/b', 'approve', 'ship', 'matrix: [1]', 'matrix: [2]']],
    ['a job with its needs', { selectors: ['unit'] }, ['compile', 'unit']],
    ['a job with its stages', { selectors: ['test:a/b'] }, ['compile', 'assets', 'test:a/b']],
    ['a glob', { selectors: ['test:*'] }, ['compile', 'assets', 'test:a/b']],
    ['one leg', { selectors: ['matrix: [2]'] }, ['matrix: [2]']],
    ['all legs', { selectors: ['matrix'] }, ['matrix: [1]', 'matrix: [2]']],
    ['a stage', { stages: ['test'], withNeeds: false }, ['unit', 'test:a/b']],
    [
      'a stage with needs',
      { stages: ['deploy'] },
      ['compile', 'unit', 'approve', 'ship', 'matrix: [1]', 'matrix: [2]'],
    ],
    ['without needs', { selectors: ['ship'], withNeeds: false }, ['ship']],
    ['from', { from: 'unit' }, ['unit', 'ship']],
    ['from a job that stages wait for', { from: 'assets' }, ['assets', 'test:a/b']],
    ['only', { only: ['ship', 'matrix: [1]', 'gone'] }, ['ship', 'matrix: [1]']],
    ['two', { selectors: ['unit', 'assets'] }, ['compile', 'assets', 'unit']],
    ['a job that rules leave out, and what it needs', { selectors: ['nightly'] }, ['gather', 'nightly']],
  ])('%s', (_, words, expected) => {
    const result = planned(jobs, { selection: words });
    expect(ids(result)).toEqual(expected);
    for (const one of result.nodes) for (const edge of one.needs) expect(expected).toContain(edge.id);
    expect(result.decisions.filter((one) => one.selected).flatMap((one) => one.ids).length).toBeGreaterThan(0);
  });

  it('says that a job runs although it is left out', () => {
    const result = planned(jobs, { selection: { selectors: ['nightly'] } });
    expect(result.notices).toEqual([
      expect.stringContaining('`nightly` runs although'),
      expect.stringContaining('`gather` runs although'),
    ]);
    expect(result.decisions.find(({ name }) => name === 'nightly')).toMatchObject({
      included: true,
      selected: true,
      when: 'on_success',
      because: 'asked for, although no rule matches',
    });
  });

  it('a glob does not run what rules leave out', () => {
    const result = planned(jobs, { selection: { selectors: ['night*'] } });
    expect(result.nodes).toEqual([]);
    expect(result.notices).toEqual([expect.stringContaining('left out by their rules')]);
  });

  it('starts manual jobs that are named, wanted or needed by a named one', () => {
    const when = (words: Partial<Selection>) => node(planned(jobs, { selection: words }), 'approve').when;
    expect(when({})).toBe('manual');
    expect(when({ stages: ['deploy'] })).toBe('manual');
    expect(when({ selectors: ['approve'] })).toBe('on_success');
    expect(when({ manual: 'all' })).toBe('on_success');
    expect(when({ manual: ['approve'] })).toBe('on_success');
    expect(when({ manual: ['app*'] })).toBe('on_success');
    expect(when({ selectors: ['ship'] })).toBe('on_success');
    const result = planned(jobs, { selection: { manual: 'all' } });
    expect(result.decisions.find(({ name }) => name === 'approve')).toMatchObject({
      when: 'manual',
      because: 'it has no rules; started by hand',
    });
    expect(variableValue(node(result, 'approve').variables, 'CI_JOB_MANUAL')).toBe('true');
    expect(node(result, 'approve').allowFailure).toBe(true);
  });

  it.each<readonly [Partial<Selection>, Record<string, unknown>]>([
    [
      { selectors: ['unti'] },
      { option: 'selector', text: 'unti', nearest: ['unit', expect.any(String), expect.any(String)] },
    ],
    [{ selectors: ['x*'] }, { option: 'selector' }],
    [{ stages: ['tset'] }, { option: 'stage', nearest: expect.arrayContaining(['test']) }],
    [{ from: 'compiel' }, { option: 'from', nearest: expect.arrayContaining(['compile']) }],
    [{ manual: ['aprove'] }, { option: 'manual', nearest: expect.arrayContaining(['approve']) }],
  ])('knows no %j', (words, expected) => {
    const result = plan(pipeline(jobs), context(), selection(words));
    expect(result.value).toBeUndefined();
    expect(result.unknownSelectors).toEqual([expect.objectContaining(expected)]);
  });

  it('a need that rules leave out is an error only where it is used', () => {
    const broken = [...jobs, job('report', { stage: 'deploy', needs: ['gather'] })];
    expect(plan(pipeline(broken), context(), selection()).diagnostics).toEqual([
      expect.objectContaining({ code: 'plan/need-left-out', severity: 'error' }),
    ]);
    expect(ids(planned(broken, { selection: { selectors: ['unit'] } }))).toEqual(['compile', 'unit']);
    expect(ids(planned(broken, { selection: { selectors: ['report'], withNeeds: false } }))).toEqual(['report']);
  });
});

describe('nodes', () => {
  it('gets variables in the order of precedence', () => {
    const result = planned(
      [
        job('a', {
          variables: { B: 'job', C: 'job', D: 'job' },
          parallel: [{ C: ['leg'] }],
          rules: [{ variables: { D: 'rule' } }],
        }),
      ],
      {
        pipeline: { variables: { A: 'global', B: 'global', P: 'global', CI_X: 'global' } },
        context: {
          predefined: { CI_X: 'ci', CI_Y: 'ci' },
          project: given({ P: 'project' }),
          pipeline: given({ P: 'pipeline' }),
        },
      },
    );
    const { variables } = node(result, 'a: [leg]');
    const seen = ['A', 'B', 'C', 'D', 'P', 'CI_X', 'CI_Y'].map((name) => variableValue(variables, name));
    expect(seen).toEqual(['global', 'job', 'leg', 'rule', 'pipeline', 'global', 'ci']);
  });

  it.each([
    [true, { A: '1', B: '2' }],
    [false, {}],
    [['B'], { B: '2' }],
  ])('inherits variables: %j', (inheritVariables, expected) => {
    const result = planned([job('a', { inheritVariables })], { pipeline: { variables: { A: '1', B: '2' } } });
    const { belowDotenv } = node(result, 'a').variables;
    expect(
      Object.fromEntries(belowDotenv.filter(({ name }) => name.length === 1).map(({ name, value }) => [name, value])),
    ).toEqual(expected);
  });

  it('expands environment, resource group and image', () => {
    const result = planned(
      [
        job('a', {
          image: '$REGISTRY/app:$TAG',
          variables: { TAG: 'v$MAJOR', MAJOR: '1' },
          resourceGroup: 'deploy-$CI_ENVIRONMENT_SLUG',
          environment: {
            name: 'review/$CI_COMMIT_BRANCH',
            url: 'https://$CI_ENVIRONMENT_SLUG.example.com',
            action: 'start',
          },
        }),
      ],
      {
        context: {
          project: given({ REGISTRY: 'r.example.com' }),
          predefined: { CI_COMMIT_BRANCH: 'main', CI_PROJECT_URL: 'https://h/g/p' },
        },
      },
    );
    const one = node(result, 'a');
    const slug = environmentSlug('review/main');
    expect(one.resourceGroup).toBe(`deploy-${slug}`);
    for (const [name, value] of Object.entries({
      CI_ENVIRONMENT_NAME: 'review/main',
      CI_ENVIRONMENT_SLUG: slug,
      CI_ENVIRONMENT_TIER: 'development',
      CI_ENVIRONMENT_ACTION: 'start',
      CI_ENVIRONMENT_URL: 'https://$CI_ENVIRONMENT_SLUG.example.com',
      CI_JOB_IMAGE: 'r.example.com/app:v1',
      CI_JOB_STAGE: 'test',
      CI_JOB_TIMEOUT: '3600',
      CI_JOB_URL: 'https://h/g/p/-/jobs/1',
    })) {
      expect(variableValue(one.variables, name), name).toBe(value);
    }
    expect(result.decisions[0]?.image).toBe('r.example.com/app:v1');
  });

  it('chooses executor and timeout', () => {
    const jobs = [job('a', { image: 'x' }), job('b', { timeoutMs: 5000 })];
    const auto = planned(jobs, { selection: { defaultTimeoutMs: 7000 } });
    expect([node(auto, 'a'), node(auto, 'b')].map(({ executor, timeoutMs }) => [executor, timeoutMs])).toEqual([
      ['docker', 7000],
      ['shell', 5000],
    ]);
    expect(node(planned(jobs, { selection: { executor: 'shell' } }), 'a').executor).toBe('shell');
    expect(auto.decisions.map(({ executor }) => executor)).toEqual(['docker', 'shell']);
  });

  it('makes bridges and approvals', () => {
    const result = planned([job('a', { kind: 'bridge' }), job('b', { kind: 'approval' })]);
    expect(result.nodes.map(({ kind }) => kind)).toEqual(['bridge', 'approval']);
  });

  it('orders by stage, then by file', () => {
    expect(ids(planned([job('c', { stage: 'deploy' }), job('b'), job('a', { stage: 'build' }), job('a2')]))).toEqual([
      'a',
      'b',
      'a2',
      'c',
    ]);
  });
});

it.each([
  ['production', 'production'],
  ['a'.repeat(24), 'a'.repeat(24)],
])('the slug of environment %s is %s', (name, expected) => expect(environmentSlug(name)).toBe(expected));

it.each(['review/feature-1', '1st', 'Production', 'a'.repeat(25), 'x--y', 'trailing-/'])(
  'the slug of environment %s is short and ends with a hash',
  (name) => {
    expect(environmentSlug(name)).toMatch(/^[a-z][a-z0-9-]{0,16}-[a-z0-9]{6}$/);
    expect(environmentSlug(name).length).toBeLessThanOrEqual(24);
  },
);

it.each([
  ['review/x', 'development'],
  ['qa', 'testing'],
  ['staging', 'staging'],
  ['production', 'production'],
  ['customer', 'other'],
])('the tier of %s is %s', (name, tier) => expect(environmentTier(name)).toBe(tier));

describe('services of jobs outside of containers', () => {
  it('are told once, since nobody starts them', () => {
    const span = { file: '', start: 0, end: 0 };
    const services = [{ name: 'postgres:16', span, aliases: [], variables: [] }];
    const image = { name: 'debian', span };
    const withServices = (name: string) => ({ ...job(name), image, services }) as JobDefinition;
    const jobs = [withServices('a'), withServices('b'), job('c')];
    expect(planned(jobs, { selection: { executor: 'shell' } }).notices).toEqual([
      'services are only started for jobs in containers: a (postgres:16) and 1 more must find them running already',
    ]);
    expect(planned(jobs, { selection: { executor: 'docker' } }).notices).toEqual([]);
  });
});
