import { expect } from 'vitest';
import type { DiagnosticCode } from '../../../src/diagnostics/codes.ts';
import type { JobDefinition } from '../../../src/model/pipeline.ts';
import { oneJob, refused, row, takes } from './one-job.ts';
import type { Passing, Row } from './row-cases.ts';

const file = (top: string, keys = ''): string => `${top}\na:\n  script: [make]\n${keys === '' ? '' : `  ${keys}\n`}`;

/** What is looked at of a job. */
type Look = (job: JobDefinition) => unknown;
const steps = (job: JobDefinition) => (job.kind === 'job' ? job.steps : []);
const script: Look = (job) => steps(job).flatMap((step) => (step.kind === 'run' ? step.script : []));
const field =
  (name: string): Look =>
  (job) =>
    (job as unknown as Record<string, unknown>)[name];

interface Key {
  readonly given: string;
  /** What a job becomes by it. */
  readonly becomes: unknown;
  readonly look: Look;
  readonly own: string;
  readonly wrong: readonly [string, DiagnosticCode];
  readonly warns?: Passing['warns'];
}

const keys: Readonly<Record<string, Key>> = {
  after_script: {
    given: '[b]',
    becomes: ['make', 'b'],
    look: script,
    own: '[c]',
    wrong: ['{ a: b }', 'schema/wrong-type'],
  },
  artifacts: {
    ...{ given: '{ paths: [out] }', becomes: [['out']], own: '{ paths: [mine] }', wrong: ['out', 'schema/wrong-type'] },
    look: (job) => steps(job).flatMap((step) => (step.kind === 'upload-artifacts' ? [step.paths] : [])),
  },
  before_script: {
    given: '[b]',
    becomes: ['b', 'make'],
    look: script,
    own: '[c]',
    wrong: ['{ a: b }', 'schema/wrong-type'],
  },
  cache: {
    ...{ given: '{ paths: [x] }', becomes: [['x']], own: '{ paths: [mine] }', wrong: ['x', 'schema/wrong-type'] },
    look: (job) => steps(job).flatMap((step) => (step.kind === 'save-cache' ? [step.paths] : [])),
  },
  hooks: {
    given: '{ pre_get_sources_script: [b] }',
    becomes: ['b', 'make'],
    look: script,
    own: '{ pre_get_sources_script: [c] }',
    wrong: ['{ a: [b] }', 'schema/unknown-key'],
  },
  id_tokens: {
    given: '{ T: { aud: x } }',
    becomes: [{ name: 'T', audience: ['x'], form: 'text' }],
    look: field('idTokens'),
    own: '{ U: { aud: y } }',
    wrong: ['{ T: {} }', 'schema/missing-key'],
  },
  identity: {
    given: 'google_cloud',
    becomes: undefined,
    look: field('identity'),
    own: 'google_cloud',
    wrong: ['aws', 'schema/not-allowed-value'],
    warns: ['gitlab/not-run-yet'],
  },
  image: {
    given: 'node',
    becomes: 'node',
    look: (job) => (job.kind === 'job' ? job.image?.name : undefined),
    own: 'alpine',
    wrong: ['[node]', 'schema/wrong-type'],
  },
  interruptible: {
    given: 'true',
    becomes: true,
    look: field('interruptible'),
    own: 'false',
    wrong: ['maybe', 'schema/wrong-type'],
  },
  retry: { given: '1', becomes: { max: 1 }, look: field('retry'), own: '2', wrong: ['3', 'schema/out-of-range'] },
  services: {
    given: '[db]',
    becomes: ['db'],
    look: (job) => (job.kind === 'job' ? job.services.map(({ name }) => name) : []),
    own: '[]',
    wrong: ['db', 'schema/wrong-type'],
  },
  tags: { given: '[x]', becomes: ['x'], look: field('tags'), own: '[y]', wrong: ['{ a: b }', 'schema/wrong-type'] },
  timeout: {
    given: '1h',
    becomes: 3_600_000,
    look: field('timeoutMs'),
    own: '2h',
    wrong: ['a while', 'gitlab/duration'],
  },
};

function defaultRow([name, { given, becomes, look, own, wrong, warns = [] }]: [string, Key]): Row {
  const passes: Passing[] = [
    {
      text: file(`default: { ${name}: ${given} }`),
      warns,
      check: ({ job }) => expect(look(job('a'))).toEqual(becomes),
    },
  ];
  if (becomes !== undefined) {
    const check: Passing['check'] = ({ job }) => expect(look(job('a'))).not.toEqual(becomes);
    passes.push({ text: file(`default: { ${name}: ${given} }`, `${name}: ${own}`), check });
  }
  const text = file(`default:\n  ${name}: ${wrong[0]}`);
  return row(`default/${name}` as Row['row'], passes, { text, code: wrong[1], line: 2 });
}

function globalRow(name: 'image' | 'services' | 'cache' | 'before_script' | 'after_script'): Row {
  const { given, becomes, look, wrong } = keys[name]!;
  return row(
    `global/${name}`,
    { text: file(`${name}: ${given}`), check: ({ job }) => expect(look(job('a'))).toEqual(becomes) },
    [
      { text: file(`${name}: ${wrong[0]}`), code: wrong[1], line: 1 },
      { text: file(`${name}: ${given}\ndefault: { ${name}: ${given} }`), code: 'gitlab/default-twice', line: 1 },
    ],
  );
}

const inherits = (keyed: string, expected: unknown): Passing => ({
  text: file('default: { image: node, tags: [x] }', `inherit: { default: ${keyed} }`),
  check: ({ job }) => {
    const a = job('a');
    expect(a.kind === 'job' && [a.image?.name, a.tags]).toEqual(expected);
  },
});

/** What jobs take over, and from where. */
export const rows: readonly Row[] = [
  ...Object.entries(keys).map(defaultRow),
  ...(['image', 'services', 'cache', 'before_script', 'after_script'] as const).map(globalRow),
  row(
    'global/default',
    {
      text: file('default: { image: node, retry: { max: 1 } }', 'retry: { when: always }'),
      jobs: { a: { image: { name: 'node' }, retry: { when: ['always'] } } },
    },
    [
      { text: file('default:\n  script: [x]'), code: 'schema/unknown-key', line: 2 },
      { text: file('default: node'), code: 'schema/wrong-type', line: 1 },
    ],
  ),
  row('job/inherit', takes('inherit: { default: false, variables: false }', { inheritVariables: false }), [
    refused('inherit: false', 'schema/wrong-type'),
    refused('inherit: { image: true }', 'schema/unknown-key'),
  ]),
  row(
    'job/inherit:default',
    [inherits('true', ['node', ['x']]), inherits('false', [undefined, []]), inherits('[tags]', [undefined, ['x']])],
    refused('inherit: { default: [imgae] }', 'schema/not-allowed-value'),
  ),
  row(
    'job/inherit:variables',
    [
      takes('inherit: { variables: [A] }', { inheritVariables: ['A'] }),
      {
        text: `variables: { A: "1", B: "2" }\n${oneJob('inherit: { variables: [A] }')}`,
        check: ({ node }) => {
          const names = node('a').variables.belowDotenv.map(({ name }) => name);
          expect([names.includes('A'), names.includes('B')]).toEqual([true, false]);
        },
      },
    ],
    refused('inherit: { variables: { A: b } }', 'schema/wrong-type'),
  ),
];
