import type { Row } from './row-cases.ts';

const text = (rule: string): string => `include:\n  - { local: b.yml, rules: [${rule}] }\na: { script: [make] }\n`;
const b = { 'b.yml': 'b: { script: [make] }\n' };
const projects = { 'group/lib': { '': ['now'], v1: ['then'] } };

/** Refs and other projects in the rules of an `include`, by variables that are known before the file. */
export const rows: readonly Row[] = [
  {
    row: 'global/include:rules:changes',
    passes: [
      {
        text: text('{ changes: { paths: [$DIR/x], compare_to: $BASE } }'),
        variables: { DIR: 'd', BASE: 'dev' },
        files: b,
        changed: ['d/x'],
        revisions: ['dev'],
        ids: ['b', 'a'],
      },
    ],
    refuses: [
      {
        text: text('{ changes: { paths: [x], compare_to: dev } }'),
        files: b,
        changed: ['x'],
        revisions: ['main'],
        code: 'plan/unknown-revision',
        line: 2,
      },
    ],
  },
  {
    row: 'global/include:rules:exists',
    passes: [
      {
        text: text('{ exists: { paths: [now], project: $LIB } }'),
        variables: { LIB: 'group/lib' },
        files: b,
        projects,
        ids: ['b', 'a'],
      },
      { text: text('{ exists: { paths: [now], project: group/lib, ref: v1 } }'), files: b, projects, ids: ['a'] },
      { text: text('{ exists: { paths: [then], project: group/lib, ref: v1 } }'), files: b, projects, ids: ['b', 'a'] },
      {
        text: text('{ exists: { paths: [b.yml], project: group/none } }'),
        files: b,
        projects,
        ids: ['a'],
        warns: ['plan/project-not-mapped'],
      },
    ],
    refuses: [
      {
        text: text('{ exists: { paths: [x], project: group/lib, ref: v2 } }'),
        files: b,
        projects,
        code: 'plan/unknown-revision',
        line: 2,
      },
    ],
  },
];
