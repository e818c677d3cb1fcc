import { expect } from 'vitest';
import type { Row } from './row-cases.ts';

const script = 'script: [make]';

/** YAML itself, and what jobs are to each other. */
export const rows: readonly Row[] = [
  {
    row: 'yaml/scalars',
    passes: [
      {
        text: 'build: { script: [make], variables: { OCTAL: 0755, AGREED: yes, DATE: 2024-01-02, EXP: 1e3, QUOTED: "0755" } }\n',
        check: ({ job }) => {
          const values = Object.fromEntries(job('build').variables.map(({ name, value }) => [name, value]));
          expect(values).toEqual({ OCTAL: '493', AGREED: 'true', DATE: '2024-01-02', EXP: '1e3', QUOTED: '0755' });
        },
      },
    ],
    refuses: [{ text: `build:\n  ${script}\n  stage: "test\n`, code: 'syntax/yaml', line: 3 }],
  },
  {
    row: 'yaml/duplicate-keys',
    passes: [
      {
        text: `build:\n  stage: build\n  ${script}\n  stage: deploy\n`,
        jobs: { build: { stage: { value: 'deploy' } } },
        warns: ['syntax/duplicate-key'],
      },
    ],
    refuses: { none: 'the last one counts; the one before gives a warning' },
  },
  {
    row: 'yaml/anchors',
    passes: [
      {
        text: '.commands: &commands [make, make test]\nbuild: { script: *commands }\n',
        config: { build: { script: ['make', 'make test'] } },
      },
    ],
    refuses: [{ text: 'build:\n  script: *commands\n', code: 'syntax/unknown-anchor', line: 2 }],
  },
  {
    row: 'yaml/merge-keys',
    passes: [
      {
        text: '.base: &base { stage: deploy, tags: [a] }\nbuild: { <<: *base, script: [make], tags: [b] }\n',
        config: { build: { stage: 'deploy', script: ['make'], tags: ['b'] } },
      },
    ],
    refuses: [
      { text: '.base: &base make\nbuild:\n  <<: *base\n  script: [make]\n', code: 'syntax/bad-merge', line: 3 },
    ],
  },
  {
    row: 'yaml/reference',
    passes: [
      {
        text: '.a: { script: [one, two], variables: { A: "1" } }\nbuild: { script: [zero, !reference [.a, script]], variables: !reference [.a, variables] }\n',
        config: { build: { script: ['zero', ['one', 'two']], variables: { A: '1' } } },
      },
    ],
    refuses: [
      { text: 'build:\n  script:\n    - !reference [.a, script]\n', code: 'gitlab/unknown-reference', line: 3 },
      {
        text: '.a: { script: !reference [.b, script] }\n.b: { script: !reference [.a, script] }\nbuild: { script: !reference [.a, script] }\n',
        code: 'gitlab/reference-cycle',
        line: 1,
      },
    ],
  },
  {
    row: 'global/stages',
    passes: [
      {
        text: `stages: [one, [two, three]]\nb: { stage: two, ${script} }\na: { stage: one, ${script} }\nz: { stage: .post, ${script} }\ny: { stage: .pre, ${script} }\n`,
        ids: ['y', 'a', 'b', 'z'],
        pipeline: { stages: ['.pre', 'one', 'two', 'three', '.post'] },
      },
      { text: `a: { ${script} }\n`, pipeline: { stages: ['.pre', 'build', 'test', 'deploy', '.post'] } },
      { text: `a: { stage: .pre, ${script} }\n`, ids: [] },
    ],
    refuses: [
      { text: `stages:\n  one: two\na: { stage: one, ${script} }\n`, code: 'schema/wrong-type', line: 2 },
      { text: `stages: [one]\na:\n  stage: two\n  ${script}\n`, code: 'plan/unknown-stage', line: 3 },
    ],
  },
  {
    row: 'job/name',
    passes: [{ text: `"build: it, 1/2 ✓": { ${script} }\n`, ids: ['build: it, 1/2 ✓'] }],
    refuses: [
      { text: `"true": { ${script} }\n`, code: 'gitlab/reserved-job-name', line: 1 },
      { text: `a: { ${script} }\nimage:\n  ${script}\n`, code: 'gitlab/reserved-job-name', line: 2 },
      { text: `a: { ${script} }\n${'x'.repeat(256)}: { ${script} }\n`, code: 'gitlab/job-name', line: 2 },
    ],
  },
  {
    row: 'job/extends',
    passes: [
      {
        text: '.a: { stage: build, variables: { A: "1", B: "1" }, tags: [a] }\n.b: { variables: { B: "2" }, tags: [b] }\nx: { extends: [.a, .b], script: [make], variables: { C: "3" }, stage: null }\n',
        config: { x: { variables: { A: '1', B: '2', C: '3' }, tags: ['b'], stage: null } },
        jobs: { x: { stage: { value: 'test' } } },
      },
    ],
    refuses: [
      { text: `x:\n  extends: .a\n  ${script}\n`, code: 'gitlab/unknown-extends', line: 2 },
      {
        text: `.a: { extends: .b }\n.b: { extends: .a }\nx: { extends: .a, ${script} }\n`,
        code: 'gitlab/extends-cycle',
        line: 2,
      },
      {
        text: `${Array.from({ length: 13 }, (_, n) => `.t${n}: { extends: .t${n + 1} }`).join('\n')}\n.t13: { ${script} }\nx:\n  extends: .t0\n`,
        code: 'gitlab/extends-too-deep',
        line: 2,
      },
    ],
  },
  {
    row: 'job/script',
    passes: [
      { text: 'x: { script: make }\n', config: { x: { script: 'make' } } },
      { text: 'x: { script: [[a, [b]], c] }\n', ids: ['x'] },
    ],
    refuses: [
      { text: 'x:\n  script: []\n', code: 'schema/empty', line: 2 },
      { text: 'x:\n  script: ""\n', code: 'schema/empty', line: 2 },
      { text: '.a: { script: [] }\nx:\n  script: [!reference [.a, script]]\n', code: 'gitlab/empty-script', line: 3 },
      { text: 'x:\n  stage: test\n', code: 'gitlab/missing-script', line: 1 },
      { text: 'x:\n  script: { a: b }\n', code: 'schema/wrong-type', line: 2 },
      { text: 'x:\n  script: [[[[[[[[[[[[a]]]]]]]]]]]]\n', code: 'gitlab/invalid-value', line: 2 },
    ],
  },
  {
    row: 'job/before_script',
    passes: [{ text: `x: { before_script: [prepare], ${script} }\n`, config: { x: { before_script: ['prepare'] } } }],
    refuses: [{ text: `x:\n  ${script}\n  before_script: { a: b }\n`, code: 'schema/wrong-type', line: 3 }],
  },
  {
    row: 'job/after_script',
    passes: [
      {
        text: `x: { after_script: [tidy], ${script} }\n`,
        check: ({ job }) => {
          const x = job('x');
          const after = x.kind === 'job' ? x.steps.filter(({ phase }) => phase === 'after') : [];
          expect(after).toMatchObject([{ kind: 'run' }]);
        },
      },
    ],
    refuses: [{ text: `x:\n  ${script}\n  after_script: 3\n`, code: 'schema/wrong-type', line: 3 }],
  },
  {
    row: 'job/stage',
    passes: [{ text: `a: { ${script} }\nb: { stage: build, ${script} }\n`, ids: ['b', 'a'] }],
    refuses: [
      { text: `a:\n  stage: biuld\n  ${script}\n`, code: 'plan/unknown-stage', line: 2, says: 'biuld' },
      { text: `a:\n  stage: [build]\n  ${script}\n`, code: 'schema/wrong-type', line: 2 },
    ],
  },
];
