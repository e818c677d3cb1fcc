import type { Row } from './row-cases.ts';

const script = 'script: [make]';

/** What jobs wait for, and what their failure means. */
export const rows: readonly Row[] = [
  {
    row: 'job/needs',
    passes: [
      {
        text: `a: { stage: build, ${script} }\nb: { stage: deploy, needs: [a], ${script} }\nc: { stage: deploy, needs: [], ${script} }\nd: { stage: deploy, ${script} }\n`,
        nodes: {
          b: { scheduling: 'dag', needs: [{ id: 'a' }] },
          c: { scheduling: 'dag', needs: [] },
          d: { scheduling: 'stage', needs: [{ id: 'a' }] },
        },
      },
    ],
    refuses: [
      { text: `a:\n  ${script}\n  needs: [b]\n`, code: 'plan/unknown-need', line: 3 },
      { text: `a:\n  ${script}\n  needs: [a]\n`, code: 'plan/need-itself', line: 3 },
      { text: `a:\n  ${script}\n  needs: [b, b]\nb: { ${script} }\n`, code: 'plan/duplicate-need', line: 3 },
      { text: `a:\n  ${script}\n  needs: [b]\nb: { ${script}, needs: [a] }\n`, code: 'plan/need-cycle', line: 3 },
      {
        text: `a:\n  ${script}\n  needs: [${Array.from({ length: 51 }, (_, n) => `j${n}`).join(', ')}]\n${Array.from({ length: 51 }, (_, n) => `j${n}: { ${script} }\n`).join('')}`,
        code: 'gitlab/too-many-needs',
        line: 3,
      },
    ],
  },
  {
    row: 'job/needs:job',
    passes: [
      { text: `a: { ${script} }\nb: { ${script}, needs: [{ job: a }] }\n`, nodes: { b: { needs: [{ id: 'a' }] } } },
    ],
    refuses: [
      {
        text: `a: { stage: build, ${script}, needs: [{ job: b }] }\nb: { ${script} }\n`,
        code: 'plan/need-later-stage',
        line: 1,
      },
      { text: `a:\n  ${script}\n  needs:\n    - artifacts: true\n`, code: 'schema/missing-key', line: 4 },
    ],
  },
  {
    row: 'job/needs:artifacts',
    passes: [
      {
        text: `a: { ${script}, artifacts: { paths: [x] } }\nb: { ${script}, needs: [{ job: a, artifacts: false }] }\nc: { ${script}, needs: [a] }\n`,
        nodes: { b: { artifactsFrom: [] }, c: { artifactsFrom: ['a'] } },
      },
    ],
    refuses: [
      {
        text: `a: { ${script} }\nb:\n  ${script}\n  needs: [{ job: a, artifacts: sometimes }]\n`,
        code: 'schema/wrong-type',
        line: 4,
      },
    ],
  },
  {
    row: 'job/needs:optional',
    passes: [
      {
        text: `a: { ${script}, rules: [{ when: never }] }\nb: { ${script}, needs: [{ job: a, optional: true }, { job: none, optional: true }] }\n`,
        ids: ['b'],
      },
    ],
    refuses: [
      {
        text: `a: { ${script}, rules: [{ when: never }] }\nb:\n  ${script}\n  needs: [a]\n`,
        code: 'plan/need-left-out',
        line: 4,
      },
    ],
  },
  {
    row: 'job/needs:parallel:matrix',
    passes: [
      {
        text: `a: { ${script}, parallel: { matrix: [{ OS: [x, y] }] } }\nb: { ${script}, needs: [{ job: a, parallel: { matrix: [{ OS: x }] } }] }\n`,
        nodes: { b: { needs: [{ id: 'a: [x]' }] } },
      },
    ],
    refuses: [
      {
        text: `a: { ${script}, parallel: { matrix: [{ OS: [x, y] }] } }\nb:\n  ${script}\n  needs: [{ job: a, parallel: { matrix: [{ OS: z }] } }]\n`,
        code: 'plan/unknown-need',
        line: 4,
      },
    ],
  },
  {
    row: 'job/dependencies',
    passes: [
      {
        text: `a: { stage: build, ${script}, artifacts: { paths: [x] } }\nb: { stage: build, ${script}, artifacts: { paths: [y] } }\nc: { ${script}, dependencies: [a] }\nd: { ${script}, dependencies: [] }\ne: { ${script} }\n`,
        nodes: { c: { artifactsFrom: ['a'] }, d: { artifactsFrom: [] }, e: { artifactsFrom: ['a', 'b'] } },
      },
    ],
    refuses: [
      { text: `a:\n  ${script}\n  dependencies: [b]\n`, code: 'plan/unknown-dependency', line: 3 },
      {
        text: `a:\n  stage: build\n  ${script}\n  dependencies: [b]\nb: { ${script} }\n`,
        code: 'plan/dependency-later-stage',
        line: 4,
      },
      {
        text: `a: { stage: build, ${script} }\nb: { stage: build, ${script} }\nc:\n  ${script}\n  needs: [a]\n  dependencies: [b]\n`,
        code: 'plan/dependency-not-needed',
        line: 6,
      },
    ],
  },
  {
    row: 'job/allow_failure',
    passes: [
      {
        text: `a: { ${script}, allow_failure: true }\nb: { ${script} }\nc: { ${script}, when: manual }\n`,
        nodes: { a: { allowFailure: true }, b: { allowFailure: false }, c: { allowFailure: true } },
      },
    ],
    refuses: [{ text: `a:\n  ${script}\n  allow_failure: perhaps\n`, code: 'schema/wrong-type', line: 3 }],
  },
  {
    row: 'job/allow_failure:exit_codes',
    passes: [
      {
        text: `a: { ${script}, allow_failure: { exit_codes: 4 } }\nb: { ${script}, allow_failure: { exit_codes: [3, 4] } }\n`,
        nodes: { a: { allowFailure: { exitCodes: [4] } }, b: { allowFailure: { exitCodes: [3, 4] } } },
      },
    ],
    refuses: [
      { text: `a:\n  ${script}\n  allow_failure: { exit_codes: [one] }\n`, code: 'schema/wrong-type', line: 3 },
    ],
  },
  {
    row: 'job/when',
    passes: [
      {
        text: `a: { ${script} }\nb: { ${script}, when: always }\nc: { ${script}, when: on_failure }\nd: { ${script}, when: manual }\ne: { ${script}, when: delayed, start_in: 5 minutes }\n`,
        nodes: {
          a: { when: 'on_success' },
          b: { when: 'always' },
          c: { when: 'on_failure' },
          d: { when: 'manual' },
          e: { when: 'delayed', startInMs: 300_000 },
        },
      },
    ],
    refuses: [{ text: `a:\n  ${script}\n  when: never\n`, code: 'schema/not-allowed-value', line: 3 }],
  },
];
