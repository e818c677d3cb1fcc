import { expect } from 'vitest';
import type { Passing, Row, Seen } from './row-cases.ts';

const script = 'script: [make]';

/** A job `a` with these rules, each in flow style; the first stands in line 3. */
function withRules(...rules: readonly string[]): string {
  return `a:\n  rules:\n${rules.map((rule) => `    - ${rule}\n`).join('')}  ${script}\n`;
}

const isIn = ({ decision }: Seen): void => expect(decision('a').included).toBe(true);
const isOut = ({ decision }: Seen): void => expect(decision('a').included).toBe(false);
const taken = (text: string, more: Partial<Passing> = {}): Passing => ({ text, check: isIn, ...more });
const leftOut = (text: string, more: Partial<Passing> = {}): Passing => ({ text, check: isOut, ...more });

/** The keys of `rules`. */
export const rows: readonly Row[] = [
  {
    row: 'job/rules',
    passes: [
      taken(withRules('{ if: $CI_COMMIT_BRANCH }')),
      leftOut(withRules('{ if: $CI_COMMIT_TAG }')),
      taken(`.r: { rules: [{ if: $X }, [{ when: always }]] }\na: { rules: [!reference [.r, rules]], ${script} }\n`),
    ],
    refuses: [
      { text: `a:\n  ${script}\n  rules: always\n`, code: 'schema/wrong-type', line: 3 },
      {
        text: `a:\n  ${script}\n  rules: [{ when: always }]\n  only: [main]\n`,
        code: 'schema/not-together',
        line: 4,
      },
      {
        text: `a:\n  ${script}\n  rules: [[[[[[[[[[[[{ when: always }]]]]]]]]]]]]\n`,
        code: 'gitlab/invalid-value',
        line: 3,
      },
      { text: withRules('{}'), code: 'schema/empty', line: 3 },
      { text: withRules('{ unless: $X }'), code: 'schema/unknown-key', line: 3 },
    ],
  },
  {
    row: 'rules/order',
    passes: [
      {
        text: withRules('{ if: $NO }', '{ if: $CI_COMMIT_BRANCH, when: manual }', '{ if: $CI_PIPELINE_SOURCE }'),
        nodes: { a: { when: 'manual' } },
        check: ({ decision }) =>
          expect(decision('a').rules.map(({ result }) => result)).toEqual(['not-matched', 'matched', 'not-reached']),
      },
      { text: withRules('{ when: always }', '{ when: never }'), ids: ['a'], warns: ['plan/unreachable-rule'] },
      leftOut(withRules('{ if: $NO }', '{ if: $NEITHER }')),
    ],
    refuses: { none: 'the order is what is written; a rule that is never reached gives a warning' },
  },
  {
    row: 'rules/null',
    passes: [
      taken(`.r: { rules: [{ when: never }] }\na: { extends: .r, rules: null, ${script} }\n`),
      taken(`a: { rules: ~, ${script} }\n`),
    ],
    refuses: [{ text: `a:\n  ${script}\n  rules: []\n`, code: 'schema/empty', line: 3 }],
  },
  {
    row: 'rules/all-conditions',
    passes: [
      taken(withRules('{ if: $CI_COMMIT_BRANCH, changes: [x, y], exists: [nope, f] }'), {
        changed: ['y'],
        files: { f: '' },
      }),
      leftOut(withRules('{ if: $NO, changes: [y], exists: [f] }'), { changed: ['y'], files: { f: '' } }),
      leftOut(withRules('{ if: $CI_COMMIT_BRANCH, changes: [x], exists: [f] }'), { changed: ['y'], files: { f: '' } }),
      leftOut(withRules('{ if: $CI_COMMIT_BRANCH, changes: [y], exists: [g] }'), { changed: ['y'], files: { f: '' } }),
    ],
    refuses: [{ text: withRules('{ if: [$A, $B] }'), code: 'schema/wrong-type', line: 3 }],
  },
  {
    row: 'rules/if',
    passes: [
      taken(withRules('{ if: $CI_COMMIT_BRANCH == "main" }')),
      leftOut(withRules('{ if: $CI_COMMIT_BRANCH != "main" }')),
      // Variables in variables do not count.
      leftOut(`variables: { OUTER: $CI_COMMIT_BRANCH }\n${withRules('{ if: $OUTER == "main" }')}`),
      taken(`variables: { OUTER: $CI_COMMIT_BRANCH }\n${withRules('{ if: $OUTER == "$CI_COMMIT_BRANCH" }')}`),
    ],
    refuses: [
      { text: withRules('{ if: "${X}" }'), code: 'gitlab/expression', line: 3, says: '`${…}` is not allowed' },
      { text: withRules('{ if: true }'), code: 'schema/wrong-type', line: 3 },
      { text: withRules('{ if: "" }'), code: 'schema/empty', line: 3 },
    ],
  },
  {
    row: 'rules/changes',
    passes: [
      taken(withRules("{ changes: ['src/**/*.{c,h}'] }"), { changed: ['src/a/b.h'] }),
      leftOut(withRules("{ changes: ['src/*.c'] }"), { changed: ['src/a/b.c'] }),
      taken(withRules('{ changes: [$DIR/x] }').replace('a:', 'a:\n  variables: { DIR: $IN, IN: d }'), {
        changed: ['d/x'],
      }),
      // Nothing was pushed, as for a tag or a schedule.
      taken(withRules('{ changes: [x] }')),
    ],
    refuses: [
      {
        text: withRules(`{ changes: [${Array.from({ length: 51 }, (_, i) => `f${i}`).join(', ')}] }`),
        code: 'schema/too-many',
        line: 3,
      },
      { text: withRules('{ changes: x }'), code: 'schema/wrong-type', line: 3 },
      { text: withRules(`{ changes: ['${'{'.repeat(11)}'] }`), code: 'plan/bad-glob', line: 3 },
    ],
  },
  {
    row: 'rules/changes:paths',
    passes: [
      taken(withRules('{ changes: { paths: [x] } }'), { changed: ['x'] }),
      leftOut(withRules('{ changes: { paths: [x] } }'), { changed: ['y'] }),
    ],
    refuses: [
      { text: withRules('{ changes: { compare_to: main } }'), code: 'schema/missing-key', line: 3 },
      { text: withRules('{ changes: { paths: [x], regexp: y } }'), code: 'schema/unknown-key', line: 3 },
    ],
  },
  {
    row: 'rules/changes:compare_to',
    passes: [
      taken(
        withRules('{ changes: { paths: [x], compare_to: $BASE } }').replace('a:', 'a:\n  variables: { BASE: dev }'),
        {
          changed: ['x'],
          revisions: ['dev'],
        },
      ),
    ],
    refuses: [
      {
        text: withRules('{ changes: { paths: [x], compare_to: dev } }'),
        changed: ['x'],
        revisions: ['main'],
        code: 'plan/unknown-revision',
        line: 3,
      },
      { text: withRules('{ changes: { paths: [x], compare_to: [dev] } }'), code: 'schema/wrong-type', line: 3 },
    ],
  },
  {
    row: 'rules/exists',
    passes: [
      taken(withRules('{ exists: [nope, Dockerfile] }'), { files: { Dockerfile: '' } }),
      taken(withRules('{ exists: Dockerfile }'), { files: { Dockerfile: '' } }),
      leftOut(withRules('{ exists: [Dockerfile] }'), { files: { 'docker/Dockerfile': '' } }),
      taken(withRules("{ exists: ['**/Dockerfile'] }"), { files: { 'docker/Dockerfile': '' } }),
      taken(withRules('{ exists: [$CI_JOB_NAME.txt] }'), { files: { 'a.txt': '' } }),
      // More comparisons than GitLab makes count as found.
      taken(withRules("{ exists: ['d/*.h'] }"), {
        files: Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`d/${i}.c`, ''])),
      }),
    ],
    refuses: [
      { text: withRules('{ exists: 3 }'), code: 'schema/wrong-type', line: 3 },
      {
        text: withRules(`{ exists: [${Array.from({ length: 51 }, (_, i) => `f${i}`).join(', ')}] }`),
        code: 'schema/too-many',
        line: 3,
      },
    ],
  },
  {
    row: 'rules/exists:paths',
    passes: [taken(withRules('{ exists: { paths: [f] } }'), { files: { f: '' } })],
    refuses: [{ text: withRules('{ exists: { project: group/lib } }'), code: 'schema/missing-key', line: 3 }],
  },
  {
    row: 'rules/exists:project',
    passes: [
      taken(withRules('{ exists: { paths: [f], project: group/lib } }'), { projects: { 'group/lib': { '': ['f'] } } }),
      leftOut(withRules('{ exists: { paths: [g], project: group/lib } }'), {
        projects: { 'group/lib': { '': ['f'] } },
        files: { g: '' },
      }),
      leftOut(withRules('{ exists: { paths: [f], project: group/none } }'), { warns: ['plan/project-not-mapped'] }),
    ],
    refuses: [{ text: withRules('{ exists: { paths: [f], project: [a] } }'), code: 'schema/wrong-type', line: 3 }],
  },
  {
    row: 'rules/exists:ref',
    passes: [
      taken(withRules('{ exists: { paths: [f], project: group/lib, ref: v1 } }'), {
        projects: { 'group/lib': { '': [], v1: ['f'] } },
      }),
    ],
    refuses: [
      {
        text: withRules('{ exists: { paths: [f], project: group/lib, ref: v2 } }'),
        projects: { 'group/lib': { '': ['f'] } },
        code: 'plan/unknown-revision',
        line: 3,
      },
      { text: withRules('{ exists: { paths: [f], ref: v1 } }'), code: 'schema/missing-key', line: 3 },
    ],
  },
];
