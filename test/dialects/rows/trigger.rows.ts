import { row } from './one-job.ts';
import type { Passing, Refused, Row } from './row-cases.ts';

/** The text of a file with one bridge, whose `trigger` is on line 2. */
const bridge = (trigger: string): string => `a:\n  trigger: ${trigger}\n`;

/** A bridge that is taken, and what it starts. */
function starts(trigger: string, expected: object, rest: Partial<Passing> = {}): Passing {
  return { text: bridge(trigger), jobs: { a: { kind: 'bridge', trigger: expected } }, ...rest };
}

function refuses(trigger: string, code: Refused['code']): Refused {
  return { text: bridge(trigger), code, line: 2 };
}

const child = (...names: readonly string[]): object => ({ kind: 'child', files: names.map((name) => ({ name })) });

/** Jobs that start other pipelines. */
export const rows: readonly Row[] = [
  row(
    'job/trigger:include',
    [
      starts('{ include: child.yml }', child('child.yml')),
      starts('{ include: [{ local: a.yml }, { local: b.yml }] }', child('a.yml', 'b.yml')),
    ],
    [
      refuses('{ include: child.txt }', 'schema/pattern'),
      refuses('{ include: [a.yml, b.yml, c.yml, d.yml] }', 'schema/too-many'),
      refuses('{ include: a.yml, project: group/name }', 'gitlab/invalid-value'),
    ],
  ),
  row('job/trigger:include:local', starts('{ include: [{ local: /ci/child.yaml }] }', child('/ci/child.yaml')), [
    refuses('{ include: [{ local: child }] }', 'schema/pattern'),
    refuses('{ include: [{ local: a.yml, remote: "https://example.org/b.yml" }] }', 'schema/not-together'),
  ]),
  row(
    'job/trigger:include:artifact',
    {
      text: `make: { stage: build, script: [x], artifacts: { paths: [a.yml] } }\n${bridge('{ include: [{ artifact: a.yml, job: make }] }')}`,
      jobs: { a: { trigger: { files: [{ name: 'a.yml', madeBy: 'make' }] } } },
    },
    refuses('{ include: [{ artifact: a.yml }] }', 'schema/missing-key'),
  ),
  row(
    'job/trigger:include:job',
    {
      text: `make: { stage: build, script: [x], artifacts: { paths: [a.yml] } }\n${bridge('{ include: [{ artifact: a.yml, job: make }] }')}`,
      ids: ['make', 'a'],
    },
    refuses('{ include: [{ local: a.yml, job: make }] }', 'schema/missing-key'),
  ),
  row(
    'job/trigger:strategy',
    [
      starts('{ include: a.yml }', { strategy: 'none' }),
      starts('{ include: a.yml, strategy: depend }', { strategy: 'depend' }),
      starts('{ include: a.yml, strategy: mirror }', { strategy: 'mirror' }),
    ],
    refuses('{ include: a.yml, strategy: wait }', 'schema/not-allowed-value'),
  ),
  row(
    'job/trigger:forward:yaml_variables',
    [
      starts('{ include: a.yml }', { forward: { yamlVariables: true, pipelineVariables: false } }),
      starts('{ include: a.yml, forward: { yaml_variables: false } }', { forward: { yamlVariables: false } }),
    ],
    refuses('{ include: a.yml, forward: { yaml_variables: some } }', 'schema/wrong-type'),
  ),
  row(
    'job/trigger:forward:pipeline_variables',
    starts('{ include: a.yml, forward: { pipeline_variables: true } }', { forward: { pipelineVariables: true } }),
    refuses('{ include: a.yml, forward: { other_variables: true } }', 'schema/unknown-key'),
  ),
];
