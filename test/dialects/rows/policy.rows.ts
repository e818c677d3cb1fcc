import type { Passing, Refused, Row } from './row-cases.ts';

const script = 'script: [make]';
const text = (keyword: string, value: string): string => `a:\n  ${script}\n  ${keyword}: ${value}\n`;
const tag: Partial<Passing> = { git: { tag: 'v1.2' }, variables: {} };
const mergeRequest: Partial<Passing> = { source: 'merge_request_event', git: { branch: 'topic' } };
const schedule: Partial<Passing> = { source: 'schedule' };

/** One condition, as `only` and as `except`: each is in where the other is out. */
type Condition = readonly [value: string, holds: boolean, where?: Partial<Passing>];

function passes(keyword: 'only' | 'except', conditions: readonly Condition[]): readonly Passing[] {
  return conditions.map(([value, holds, where = {}]) => {
    // `only` takes branches and tags for granted, where it does not name refs; `except` does not.
    const added = keyword === 'except' ? '  only: [branches, tags, merge_requests]\n' : '';
    return { text: text(keyword, value) + added, ids: holds === (keyword === 'only') ? ['a'] : [], ...where };
  });
}

const refs: readonly Condition[] = [
  ['[main]', true],
  ['[develop]', false],
  ['{ refs: [main] }', true],
  ['[branches]', true],
  ['[tags]', false],
  ['[tags]', true, tag],
  ['[branches]', false, tag],
  ['[v1.2]', true, tag],
  ['[merge_requests]', true, mergeRequest],
  ['[topic]', false, mergeRequest],
  ['[pushes]', true],
  ['[schedules]', true, schedule],
  ['[web, api, triggers]', false],
  ['[web]', true, { source: 'web' }],
  ['[api]', true, { source: 'api' }],
  ['[triggers]', true, { source: 'trigger' }],
  ['[pipelines]', true, { source: 'pipeline' }],
  ['[parent_pipelines]', true, { source: 'parent_pipeline' }],
  ['[/^ma/]', true],
  ['[/^MA/]', false],
  ['[/^MA/i]', true],
  ["['/^v\\d+\\.\\d+$/']", true, tag],
  ['[main@group/project]', true],
  ['[main@group/fork]', false],
  ['[branches@group/project]', true],
  ['[/^ma/@group/fork]', false],
  ['[schedules@group/project]', true, schedule],
  ['[[main, develop], [[tags]]]', true],
];

const variables: readonly Condition[] = [
  ['{ variables: [$CI_COMMIT_BRANCH == "main"] }', true],
  ['{ variables: [$NO, $CI_COMMIT_BRANCH] }', true],
  ['{ variables: [$NO, $NEITHER] }', false],
  ['{ variables: [$CI_JOB_NAME == "a"] }', true],
];

const changes: readonly Condition[] = [
  ["{ changes: ['**/*.c'] }", true, { changed: ['src/a.c'] }],
  ["{ changes: ['*.c'] }", false, { changed: ['src/a.c'] }],
  ['{ changes: [x] }', true, tag],
];

function refuses(
  keyword: 'only' | 'except',
  cases: readonly (readonly [string, Refused['code']])[],
): readonly Refused[] {
  return cases.map(([value, code]) => ({ text: text(keyword, value), code, line: 3 }));
}

function policyRows(keyword: 'only' | 'except'): readonly Row[] {
  const warned = { text: text(keyword, '{ kubernetes: active }'), warns: ['gitlab/not-run-yet'] } as const;
  return [
    {
      row: `job/${keyword}`,
      passes: passes(keyword, [
        ['{ refs: [main], variables: [$NO] }', false],
        ...(keyword === 'only' ? ([['{ refs: [main], variables: [$CI_COMMIT_BRANCH] }', true]] as const) : []),
      ]).slice(keyword === 'only' ? 0 : 1),
      refuses: refuses(keyword, [
        ['main', 'schema/wrong-type'],
        ['{}', 'gitlab/invalid-value'],
        ['{ branches: [main] }', 'schema/unknown-key'],
      ]),
    },
    {
      row: `job/${keyword}:refs`,
      passes: passes(keyword, refs),
      refuses: refuses(keyword, [
        ['{ refs: main }', 'schema/wrong-type'],
        ["['/((/']", 'gitlab/regex'],
      ]),
    },
    {
      row: `job/${keyword}:variables`,
      passes: passes(keyword, variables),
      refuses: refuses(keyword, [
        ['{ variables: [$A ==] }', 'gitlab/expression'],
        ['{ variables: $A }', 'schema/wrong-type'],
      ]),
    },
    {
      row: `job/${keyword}:changes`,
      passes: passes(keyword, changes),
      refuses: refuses(keyword, [['{ changes: x }', 'schema/wrong-type']]),
    },
    {
      row: `job/${keyword}:kubernetes`,
      passes: [{ ...warned, ids: keyword === 'only' ? [] : ['a'] }],
      refuses: refuses(keyword, [['{ kubernetes: there }', 'schema/not-allowed-value']]),
    },
  ];
}

/** `only` and `except`, and what holds for jobs with neither. */
export const rows: readonly Row[] = [
  ...policyRows('only'),
  ...policyRows('except'),
  {
    row: 'job/only',
    passes: [
      // Nothing said is branches and tags, unless the workflow has rules.
      { text: `a: { ${script} }\n`, ids: ['a'] },
      { text: `a: { ${script} }\n`, ids: ['a'], ...tag },
      { text: `a: { ${script} }\n`, ids: [], ...mergeRequest },
      { text: `workflow: { rules: [{ when: always }] }\na: { ${script} }\n`, ids: ['a'], ...mergeRequest },
      { text: text('only', '{ variables: [$CI_COMMIT_BRANCH] }'), ids: [], ...mergeRequest },
    ],
    refuses: [{ text: `${text('only', '[main]')}  rules: [{ when: always }]\n`, code: 'schema/not-together', line: 3 }],
  },
  {
    row: 'job/except',
    passes: [
      { text: `a: { only: [branches], except: [main], ${script} }\n`, ids: [] },
      { text: `a: { only: [branches], except: [develop], ${script} }\n`, ids: ['a'] },
      { text: `a: { except: { refs: [develop], variables: [$CI_COMMIT_BRANCH] }, ${script} }\n`, ids: [] },
    ],
    refuses: [
      { text: `${text('except', '[main]')}  rules: [{ when: always }]\n`, code: 'schema/not-together', line: 3 },
    ],
  },
];
