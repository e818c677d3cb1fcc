import { expect } from 'vitest';
import type { Row } from './row-cases.ts';

const script = 'script: [make]';

/** A job `a` with one rule, which stands in line 3, and further keys. */
function withRule(rule: string, keys = ''): string {
  return `a:\n  rules:\n    - ${rule}\n  ${script}\n${keys}`;
}

/** What a rule that matches makes of its job. */
export const rows: readonly Row[] = [
  {
    row: 'rules/when',
    passes: [
      { text: withRule('{ when: always }'), nodes: { a: { when: 'always' } } },
      { text: withRule('{ when: on_failure }'), nodes: { a: { when: 'on_failure' } } },
      { text: withRule('{ if: $CI_COMMIT_BRANCH }', '  when: manual\n'), nodes: { a: { when: 'manual' } } },
      { text: withRule('{ when: never }'), ids: [] },
    ],
    refuses: [
      { text: withRule('{ when: sometimes }'), code: 'schema/not-allowed-value', line: 3 },
      { text: `a:\n  ${script}\n  when: never\n`, code: 'schema/not-allowed-value', line: 3 },
    ],
  },
  {
    row: 'rules/allow_failure',
    passes: [
      { text: withRule('{ when: manual }'), nodes: { a: { allowFailure: false } } },
      { text: withRule('{ when: manual, allow_failure: true }'), nodes: { a: { allowFailure: true } } },
      { text: withRule('{ allow_failure: false }', '  allow_failure: true\n'), nodes: { a: { allowFailure: false } } },
      { text: withRule('{ when: always }', '  allow_failure: true\n'), nodes: { a: { allowFailure: true } } },
      { text: `a: { when: manual, ${script} }\n`, nodes: { a: { allowFailure: true } } },
    ],
    refuses: [{ text: withRule('{ allow_failure: perhaps }'), code: 'schema/wrong-type', line: 3 }],
  },
  {
    row: 'rules/variables',
    passes: [
      {
        text: `variables: { A: global, B: global, C: global }\n${withRule('{ variables: { A: rule } }', '  variables: { A: job, B: job }\n')}`,
        check: ({ node }) => {
          const all = new Map(node('a').variables.belowDotenv.map(({ name, value }) => [name, value]));
          expect(['A', 'B', 'C'].map((name) => all.get(name))).toEqual(['rule', 'job', 'global']);
        },
      },
    ],
    refuses: [
      { text: withRule('{ variables: [A] }'), code: 'schema/wrong-type', line: 3 },
      { text: withRule('{ variables: { A: { value: a, description: b } } }'), code: 'schema/unknown-key', line: 3 },
    ],
  },
  {
    row: 'rules/needs',
    passes: [
      {
        text: `b: { ${script} }\nc: { ${script} }\n${withRule('{ needs: [b] }', '  needs: [c]\n')}`,
        nodes: { a: { needs: [{ id: 'b' }], scheduling: 'dag' } },
      },
      { text: `b: { stage: build, ${script} }\n${withRule('{ needs: [] }')}`, nodes: { a: { needs: [] } } },
    ],
    refuses: [
      { text: withRule('{ needs: [none] }'), code: 'plan/unknown-need', line: 3 },
      { text: withRule('{ needs: [{ pipeline: group/other }] }'), code: 'schema/unknown-key', line: 3 },
    ],
  },
  {
    row: 'rules/start_in',
    passes: [
      {
        text: withRule('{ when: delayed, start_in: 30 minutes }'),
        nodes: { a: { when: 'delayed', startInMs: 1_800_000 } },
      },
    ],
    refuses: [
      { text: withRule('{ when: delayed }'), code: 'gitlab/start-in', line: 3 },
      { text: withRule('{ when: always, start_in: 1h }'), code: 'gitlab/start-in', line: 3 },
      { text: withRule('{ when: delayed, start_in: 8 days }'), code: 'gitlab/start-in', line: 3 },
      { text: withRule('{ when: delayed, start_in: soon }'), code: 'gitlab/duration', line: 3 },
      {
        text: withRule('{ when: always }', '  when: delayed\n  start_in: 1h\n'),
        code: 'gitlab/rules-with-only',
        line: 6,
      },
    ],
  },
  {
    row: 'rules/interruptible',
    passes: [
      { text: withRule('{ interruptible: true }'), nodes: { a: { interruptible: true } } },
      { text: withRule('{ interruptible: false }', '  interruptible: true\n'), nodes: { a: { interruptible: false } } },
    ],
    refuses: [{ text: withRule('{ interruptible: perhaps }'), code: 'schema/wrong-type', line: 3 }],
  },
  {
    row: 'rules/auto_cancel',
    passes: [
      {
        text: `workflow: { rules: [{ auto_cancel: { on_job_failure: all } }] }\na: { ${script} }\n`,
        plan: { autoCancelOnJobFailure: 'all' },
      },
    ],
    // It is for the rules of the workflow alone, on GitLab too.
    refuses: [{ text: withRule('{ auto_cancel: { on_job_failure: all } }'), code: 'schema/unknown-key', line: 3 }],
  },
];
