import { retryReasons } from '../../../src/model/retry-reasons.ts';
import { makes, oneJob, refused, row, takes } from './one-job.ts';
import type { Passing, Row } from './row-cases.ts';

const notRun: Partial<Passing> = { warns: ['gitlab/not-run-yet'] };
const runStep = (name: string, script: string) => ({ kind: 'run', name, phase: 'script', script: ['*', script] });
const steps = (text: string): string => `a:\n  run: [${text}]\n`;
/** The script of a step has a line of ours before the user's. */
const runsSteps = (text: string, wanted: readonly object[]): Passing => ({
  text: steps(text),
  check: ({ job }) => {
    const definition = job('a');
    const found = definition.kind === 'job' ? definition.steps : [];
    const told = found.flatMap((step) =>
      step.kind === 'run'
        ? [{ ...runStep(step.name, step.script.at(-1) ?? ''), env: step.variables.map(({ value }) => value) }]
        : [],
    );
    const expected = wanted.map((step) => ({ env: [], ...step }));
    const order = (list: readonly object[]): string => JSON.stringify(list.map((each) => Object.entries(each).sort()));
    if (order(told) !== order(expected)) throw new Error(`${order(told)} instead of ${order(expected)}`);
  },
});
const refusesStep = (text: string, more: Partial<Passing> = {}): Passing => ({
  text: steps(text),
  check: ({ job }) => {
    const definition = job('a');
    const found = definition.kind === 'job' && definition.steps.some(({ kind }) => kind === 'refuse');
    if (!found) throw new Error('the job is not refused');
  },
  ...more,
});

/** What jobs do and when, but for rules and needs. */
export const rows: readonly Row[] = [
  row(
    'job/run',
    runsSteps('{ name: one, script: "echo 1" }, { name: two, script: "echo 2" }', [
      runStep('one', 'echo 1'),
      runStep('two', 'echo 2'),
    ]),
    [
      { text: 'a:\n  run: []\n', code: 'schema/empty', line: 2 },
      { text: 'a:\n  script: [make]\n  run: [{ name: x, script: x }]\n', code: 'schema/not-together', line: 2 },
      { text: 'a:\n  run: echo\n', code: 'schema/wrong-type', line: 2 },
    ],
  ),
  row('job/run:name', runsSteps('{ name: a_1, script: x }', [runStep('a_1', 'x')]), [
    { text: steps('{ script: x }'), code: 'schema/missing-key', line: 2 },
    { text: steps('{ name: "a b", script: x }'), code: 'schema/pattern', line: 2 },
  ]),
  row('job/run:script', runsSteps('{ name: a, script: "x $Y" }', [runStep('a', 'x $Y')]), {
    text: steps('{ name: a, script: [x] }'),
    code: 'schema/wrong-type',
    line: 2,
  }),
  row(
    'job/run:step',
    [
      refusesStep('{ name: a, step: ./here }', notRun),
      refusesStep('{ name: a, step: { oci: { registry: r, repository: p, tag: t } } }', notRun),
    ],
    { text: steps('{ name: a, step: x, script: y }'), code: 'schema/not-together', line: 2 },
  ),
  row('job/run:func', refusesStep('{ name: a, func: { git: { url: u, rev: v } } }', notRun), {
    text: steps('{ name: a, func: { git: { url: u } } }'),
    code: 'schema/missing-key',
    line: 2,
  }),
  row(
    'job/run:env',
    runsSteps('{ name: a, script: x, env: { A: $B, N: "1" } }', [{ ...runStep('a', 'x'), env: ['$B', '1'] }]),
    { text: steps('{ name: a, script: x, env: [A] }'), code: 'schema/wrong-type', line: 2 },
  ),
  row('job/run:inputs', refusesStep('{ name: a, func: x, inputs: { a: 1 } }', notRun), {
    text: steps('{ name: a, func: x, inputs: [a] }'),
    code: 'schema/wrong-type',
    line: 2,
  }),

  row(
    'job/hooks',
    makes('hooks: { pre_get_sources_script: [x] }', [{ kind: 'run', phase: 'prepare' }, { kind: 'checkout' }]),
    refused('hooks: { post: [x] }', 'schema/unknown-key'),
  ),
  row(
    'job/hooks:pre_get_sources_script',
    [
      makes('hooks: { pre_get_sources_script: [x, [y]] }', [{ name: 'pre_get_sources_script', script: ['x', 'y'] }]),
      makes('hooks: { pre_get_sources_script: x }', [{ name: 'pre_get_sources_script', script: ['x'] }]),
    ],
    refused('hooks: { pre_get_sources_script: { a: b } }', 'schema/wrong-type'),
  ),

  row(
    'job/manual_confirmation',
    takes('when: manual\n  manual_confirmation: Really?', { when: 'manual', manualConfirmation: 'Really?' }),
    refused('manual_confirmation: [a]', 'schema/wrong-type'),
  ),
  row('job/start_in', takes('when: delayed\n  start_in: 30 minutes', { when: 'delayed', startInMs: 1_800_000 }), [
    refused('when: delayed\n  start_in: 8 days', 'gitlab/start-in', 4),
    refused('start_in: 1 hour', 'gitlab/start-in'),
    refused('when: delayed', 'gitlab/start-in'),
    refused('when: delayed\n  start_in: soon', 'gitlab/duration', 4),
  ]),
  row(
    'job/retry',
    [takes('retry: 2', { retry: { max: 2 } }), takes('retry: 0', { retry: { max: 0 } })],
    [
      refused('retry: 3', 'schema/out-of-range'),
      refused('retry: often', 'schema/wrong-type'),
      refused('retry: { times: 1 }', 'schema/unknown-key'),
    ],
  ),
  row(
    'job/retry:max',
    takes('retry: { max: 1 }', { retry: { max: 1 } }),
    refused('retry: { max: -1 }', 'schema/out-of-range'),
  ),
  row(
    'job/retry:when',
    [
      takes('retry: { max: 1, when: always }', { retry: { when: ['always'] } }),
      takes('retry: { max: 1, when: [script_failure, runner_system_failure] }', {
        retry: { when: ['script_failure', 'runner_system_failure'] },
      }),
      takes(`retry: { max: 1, when: [${retryReasons.join(', ')}] }`, { retry: { when: retryReasons } }),
    ],
    refused('retry: { max: 1, when: [bad_luck] }', 'schema/not-allowed-value'),
  ),
  row(
    'job/retry:exit_codes',
    [
      takes('retry: { max: 1, exit_codes: 137 }', { retry: { exitCodes: [137] } }),
      takes('retry: { max: 1, exit_codes: [1, 2] }', { retry: { exitCodes: [1, 2] } }),
    ],
    refused('retry: { max: 1, exit_codes: [one] }', 'schema/wrong-type'),
  ),
  row(
    'job/timeout',
    [
      takes('timeout: 1h 30m', { timeoutMs: 5_400_000 }),
      takes('timeout: 3 hours 10 minutes', { timeoutMs: 11_400_000 }),
      takes('timeout: one week', { timeoutMs: 604_800_000 }),
    ],
    [refused('timeout: a while', 'gitlab/duration'), refused('timeout: 2 months', 'gitlab/invalid-value')],
  ),
  row(
    'job/interruptible',
    takes('interruptible: true', { interruptible: true }),
    refused('interruptible: maybe', 'schema/wrong-type'),
  ),
  row(
    'job/resource_group',
    { text: oneJob('resource_group: live/$CI_COMMIT_BRANCH'), nodes: { a: { resourceGroup: 'live/main' } } },
    refused('resource_group: [live]', 'schema/wrong-type'),
  ),
  row('job/parallel', { text: oneJob('parallel: 2'), ids: ['a 1/2', 'a 2/2'] }, [
    refused('parallel: 0', 'schema/out-of-range'),
    refused('parallel: 201', 'schema/out-of-range'),
    refused('parallel: many', 'schema/wrong-type'),
  ]),
  row(
    'job/parallel:matrix',
    {
      text: oneJob('parallel: { matrix: [{ OS: [x, y], V: 1 }, { OS: z }] }'),
      ids: ['a: [x, 1]', 'a: [y, 1]', 'a: [z]'],
    },
    [
      refused(
        `parallel: { matrix: [{ A: [${Array.from({ length: 15 }, (_, n) => n).join(', ')}], B: [${Array.from({ length: 14 }, (_, n) => n).join(', ')}] }] }`,
        'gitlab/matrix-too-large',
      ),
      refused('parallel: { matrix: { A: b } }', 'schema/wrong-type'),
    ],
  ),
  row('job/coverage', takes('coverage: /\\d+%/', { coverage: '\\d+%' }), [
    refused('coverage: "[0-9]+"', 'schema/pattern'),
    refused('coverage: "/(?=x)/"', 'gitlab/regex'),
  ]),
  row(
    'job/tags',
    takes('tags: [docker, $RUNNER]', { tags: ['docker', '$RUNNER'] }),
    refused('tags: { a: b }', 'schema/wrong-type'),
  ),
  row(
    'job/dast_configuration',
    takes('dast_configuration: { site_profile: s, scanner_profile: c }', {}, notRun),
    refused('dast_configuration: s', 'schema/wrong-type'),
  ),
  row(
    'job/dast_configuration:site_profile',
    takes('dast_configuration: { site_profile: s }', {}, notRun),
    refused('dast_configuration: { site_profile: [s] }', 'schema/wrong-type'),
  ),
  row(
    'job/dast_configuration:scanner_profile',
    takes('dast_configuration: { scanner_profile: s }', {}, notRun),
    refused('dast_configuration: { scanner: s }', 'schema/unknown-key'),
  ),
];
