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

/** The text of a file with one job, whose `needs` are on line 3. */
const job = (needs: string): string => `a:\n  script: [x]\n  needs: ${needs}\n`;

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
  row(
    'job/trigger',
    [starts('group/name', { kind: 'project', project: { value: 'group/name' } })],
    [
      refuses('name', 'schema/pattern'),
      refuses('{}', 'schema/missing-key'),
      { text: 'a:\n  trigger: group/name\n  script: [x]\n', code: 'gitlab/script-and-trigger', line: 3 },
      { text: 'a:\n  trigger: group/name\n  image: ruby\n', code: 'gitlab/key-with-trigger', line: 3 },
    ],
  ),
  row('job/trigger:project', starts('{ project: $GROUP/name }', { project: { value: '$GROUP/name' } }), [
    refuses('{ project: /group/name }', 'schema/pattern'),
    refuses('{ project: [group/name] }', 'schema/wrong-type'),
  ]),
  row('job/trigger:branch', starts('{ project: group/name, branch: main }', { branch: 'main' }), [
    refuses('{ branch: main }', 'schema/missing-key'),
    refuses('{ include: a.yml, branch: main }', 'gitlab/invalid-value'),
  ]),
  row('job/trigger:inputs', starts('{ project: group/name, inputs: { x: 1 } }', { kind: 'project' }), [
    refuses('{ project: group/name, inputs: [x] }', 'schema/wrong-type'),
    refuses('{ include: a.yml, inputs: { x: 1 } }', 'gitlab/invalid-value'),
  ]),
  row(
    'job/trigger:include:project',
    starts('{ include: [{ project: group/name, ref: v1, file: /a.yml }] }', { kind: 'child' }),
    [
      refuses('{ include: [{ project: group/name }] }', 'schema/missing-key'),
      refuses('{ include: [{ project: name, file: a.yml }] }', 'schema/pattern'),
    ],
  ),
  row(
    'job/trigger:include:remote',
    starts('{ include: [{ remote: "https://example.org/a.yml" }] }', { kind: 'child' }),
    refuses('{ include: [{ remote: "ftp://example.org/a.yml" }] }', 'schema/pattern'),
  ),
  row(
    'job/trigger:include:template',
    starts('{ include: [{ template: Rust.gitlab-ci.yml }] }', { kind: 'child' }),
    refuses('{ include: [{ template: [a.yml] }] }', 'schema/wrong-type'),
  ),
  row(
    'job/trigger:include:component',
    starts('{ include: [{ component: example.org/group/name/part@1.2 }] }', { kind: 'child' }),
    refuses('{ include: [{ component: "" }] }', 'schema/empty'),
  ),
  row(
    'job/trigger:include:inputs',
    starts('{ include: [{ local: a.yml, inputs: { x: [1, 2] } }] }', child('a.yml')),
    refuses('{ include: [{ local: a.yml, inputs: x }] }', 'schema/wrong-type'),
  ),
  row('job/needs:project', { text: job('[{ project: group/name, job: b, ref: main, artifacts: true }]'), ids: ['a'] }, [
    { text: job('[{ project: name, job: b, ref: main }]'), code: 'schema/pattern', line: 3 },
    { text: job('[{ project: group/name, job: b }]'), code: 'schema/missing-key', line: 3 },
  ]),
  row(
    'job/needs:ref',
    { text: job('[{ project: group/name, job: b, ref: $CI_COMMIT_BRANCH }]'), ids: ['a'] },
    { text: job('[{ job: b, ref: main }]'), code: 'schema/missing-key', line: 3 },
  ),
  row(
    'job/needs:pipeline',
    [
      { text: job('[{ pipeline: $PARENT_PIPELINE_ID, job: b }]'), ids: ['a'] },
      {
        text: 'a: { needs: { pipeline: group/name } }\n',
        jobs: { a: { kind: 'bridge', trigger: { kind: 'followed' } } },
      },
    ],
    { text: job('[{ pipeline: [x], job: b }]'), code: 'schema/wrong-type', line: 3 },
  ),
];
