import { expect } from 'vitest';
import type { Row } from './row-cases.ts';

const job = 'a: { script: [make] }\n';
const out = (text: string) => ({ text, ids: [], plan: { leftOutBecause: expect.any(String) } });
const isIn = (text: string) => ({ text, ids: ['a'] });
const rules = (...list: readonly string[]): string =>
  `workflow:\n  rules:\n${list.map((one) => `    - ${one}\n`).join('')}${job}`;

/** The keys of `workflow`. */
export const rows: readonly Row[] = [
  {
    row: 'global/workflow',
    passes: [isIn(`workflow: {}\n${job}`)],
    refuses: [
      { text: `workflow: always\n${job}`, code: 'schema/wrong-type', line: 1 },
      { text: `workflow:\n  only: [main]\n${job}`, code: 'schema/unknown-key', line: 2 },
    ],
  },
  {
    row: 'global/workflow:name',
    passes: [
      {
        text: `workflow: { name: "Build of $CI_COMMIT_BRANCH, $OWN" }\nvariables: { OWN: it }\n${job}`,
        plan: { name: 'Build of main, it' },
        check: ({ node }) =>
          expect(node('a').variables.belowDotenv).toContainEqual({
            name: 'CI_PIPELINE_NAME',
            value: 'Build of main, it',
            raw: true,
          }),
      },
    ],
    refuses: [
      { text: `workflow:\n  name: ${'x'.repeat(256)}\n${job}`, code: 'schema/too-long', line: 2 },
      { text: `workflow:\n  name: [a]\n${job}`, code: 'schema/wrong-type', line: 2 },
    ],
  },
  {
    row: 'global/workflow:rules',
    passes: [
      isIn(rules('{ if: $NO }', '{ when: always }')),
      out(rules('{ if: $NO }', '{ if: $NEITHER }')),
      // Without a match of their own, jobs are in as they say.
      isIn(rules('{ if: $CI_COMMIT_BRANCH }')),
    ],
    refuses: [
      { text: `workflow:\n  rules: []\n${job}`, code: 'schema/empty', line: 2 },
      { text: rules('{ if: $X, allow_failure: true }'), code: 'schema/unknown-key', line: 3 },
    ],
  },
  {
    row: 'global/workflow:rules:if',
    passes: [isIn(rules('{ if: $CI_COMMIT_BRANCH == "main" }')), out(rules('{ if: $CI_JOB_NAME }'))],
    refuses: [{ text: rules('{ if: $A == }'), code: 'gitlab/expression', line: 3 }],
  },
  {
    row: 'global/workflow:rules:changes',
    passes: [
      { ...isIn(rules('{ changes: [x] }')), changed: ['x'] },
      { ...out(rules('{ changes: [x] }')), changed: ['y'] },
    ],
    refuses: [
      {
        text: rules('{ changes: { paths: [x], compare_to: dev } }'),
        revisions: [],
        code: 'plan/unknown-revision',
        line: 3,
      },
    ],
  },
  {
    row: 'global/workflow:rules:exists',
    passes: [{ ...isIn(rules('{ exists: [f] }')), files: { f: '' } }, out(rules('{ exists: [f] }'))],
    refuses: [{ text: rules('{ exists: {} }'), code: 'schema/missing-key', line: 3 }],
  },
  {
    row: 'global/workflow:rules:when',
    passes: [isIn(rules('{ when: always }')), out(rules('{ if: $CI_COMMIT_BRANCH, when: never }', '{ when: always }'))],
    refuses: [
      { text: rules('{ when: manual }'), code: 'schema/not-allowed-value', line: 3 },
      { text: rules('{ when: on_success }'), code: 'schema/not-allowed-value', line: 3 },
    ],
  },
  {
    row: 'global/workflow:rules:variables',
    passes: [
      {
        text: `variables: { A: global, B: global }\nworkflow: { rules: [{ if: $CI_COMMIT_BRANCH, variables: { A: rule } }] }\na: { script: [make], rules: [{ if: $A == "rule" && $B == "global" }] }\n`,
        ids: ['a'],
      },
      {
        text: `workflow: { rules: [{ variables: { A: rule } }] }\na: { script: [make], variables: { A: job }, rules: [{ if: $A == "job" }] }\n`,
        ids: ['a'],
      },
    ],
    refuses: [{ text: rules('{ variables: A }'), code: 'schema/wrong-type', line: 3 }],
  },
  {
    row: 'global/workflow:rules:auto_cancel',
    passes: [
      {
        text: `workflow: { auto_cancel: { on_job_failure: none }, rules: [{ auto_cancel: { on_job_failure: all, on_new_commit: none } }] }\n${job}`,
        plan: { autoCancelOnJobFailure: 'all' },
      },
      {
        text: rules('{ when: always, auto_cancel: { on_new_commit: interruptible } }'),
        plan: { autoCancelOnJobFailure: 'none' },
        warns: ['gitlab/not-run-yet'],
      },
    ],
    refuses: [{ text: rules('{ auto_cancel: { on_job_failure: some } }'), code: 'schema/not-allowed-value', line: 3 }],
  },
  {
    row: 'global/workflow:auto_cancel:on_new_commit',
    passes: [
      { text: `workflow: { auto_cancel: { on_new_commit: interruptible } }\n${job}`, warns: ['gitlab/not-run-yet'] },
      // What happens anyway needs no warning.
      { text: `workflow: { auto_cancel: { on_new_commit: none } }\n${job}`, warns: [] },
    ],
    refuses: [
      {
        text: `workflow:\n  auto_cancel:\n    on_new_commit: always\n${job}`,
        code: 'schema/not-allowed-value',
        line: 3,
      },
    ],
  },
  {
    row: 'global/workflow:auto_cancel:on_job_failure',
    passes: [
      { text: `workflow: { auto_cancel: { on_job_failure: all } }\n${job}`, plan: { autoCancelOnJobFailure: 'all' } },
      { text: job, plan: { autoCancelOnJobFailure: 'none' } },
    ],
    refuses: [
      { text: `workflow:\n  auto_cancel:\n    on_job_failure: true\n${job}`, code: 'schema/wrong-type', line: 3 },
    ],
  },
];
