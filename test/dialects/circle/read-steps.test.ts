import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '../../../src/diagnostics/diagnostic.ts';
import { goGlob } from '../../../src/dialects/circle/go-glob.ts';
import { readSteps } from '../../../src/dialects/circle/read-steps.ts';
import type { Step } from '../../../src/model/step.ts';
import type { SeqNode } from '../../../src/syntax/node.ts';
import { parseYaml } from '../../../src/syntax/parse.ts';
import { compileGlob } from '../../../src/util/glob.ts';

function read(text: string, shell?: string): { readonly step: Step; readonly found: readonly string[] } {
  const found: Diagnostic[] = [];
  const nodes = (parseYaml('config.yml', `[${text}]`, 'yaml-1.2').value![0] as SeqNode).items;
  const [step] = readSteps(nodes, { report: (one) => void found.push(one) }, shell === undefined ? {} : { shell });
  return { step: step!, found: found.map(({ message }) => message) };
}

describe('run', () => {
  it.each([
    ['{run: {command: a}}', undefined, { script: [expect.stringContaining('set -e'), 'a'] }],
    ['{run: {command: a, shell: /bin/sh}}', undefined, { shell: '/bin/sh', script: ['a'] }],
    ['{run: {command: a}}', 'python3', { shell: 'python3', script: ['a'] }],
    ['{run: {command: a, shell: bash -leo pipefail}}', 'python3', { shell: 'bash -leo pipefail', script: ['a'] }],
    ['{run: {command: a, shell: /bin/bash -eo pipefail -c}}', undefined, { shell: '/bin/bash -eo pipefail' }],
    ['{run: {command: a, working_directory: a/$X}}', undefined, { directory: 'a/$$X' }],
    ['{run: {command: a, background: true, when: on_fail}}', undefined, { background: true, when: 'on_failure' }],
    ['{run: {command: a, no_output_timeout: 1.5m}}', undefined, { noOutputTimeoutMs: 90_000 }],
    ['{run: {command: a, max_auto_reruns: 2}}', undefined, { reruns: { max: 2, delayMs: 0 } }],
    [
      '{run: {command: a, max_auto_reruns: 5, auto_rerun_delay: 10m}}',
      undefined,
      { reruns: { max: 5, delayMs: 600_000 } },
    ],
    ['{deploy: {command: a}}', undefined, { kind: 'run' }],
  ] as const)('%s in a job with the shell %s', (text, shell, expected) => {
    const { step, found } = read(text, shell);
    expect(step).toMatchObject(expected);
    expect(found).toEqual([]);
  });

  it.each([
    ['max_auto_reruns: 6', '`max_auto_reruns` must be a whole number from 1 to 5, not `6`'],
    ['max_auto_reruns: 0', '`max_auto_reruns` must be a whole number from 1 to 5, not `0`'],
    ['max_auto_reruns: often', '`max_auto_reruns` must be a whole number from 1 to 5, not the text `often`'],
    ['max_auto_reruns: [1]', '`max_auto_reruns` must be a whole number from 1 to 5, not a list'],
    ['auto_rerun_delay: 10s', '`auto_rerun_delay` wants `max_auto_reruns`'],
    ['max_auto_reruns: 1, auto_rerun_delay: soon', '`auto_rerun_delay` must be a time, not the text `soon`'],
    ['max_auto_reruns: 1, auto_rerun_delay: 11m', '`auto_rerun_delay` is longer than 10 minutes'],
  ])('refuses %s', (text, message) => {
    expect(read(`{run: {command: a, ${text}}}`).found).toEqual([message]);
  });
});

describe('other steps', () => {
  it.each([
    ['checkout', { when: 'on_success' }],
    ['{checkout: {when: always}}', { when: 'always' }],
    ['{store_artifacts: {path: a}}', { when: 'always' }],
    ['{store_artifacts: {path: a, when: on_success}}', { when: 'on_success' }],
    ['{store_artifacts: {path: $X/a, destination: $Y}}', { paths: ['$$X/a'], destination: '$$Y' }],
    ['{store_test_results: {path: $X}}', { when: 'always', path: '$$X' }],
    ['{save_cache: {key: a, paths: [$X], when: always}}', { when: 'always', paths: ['$$X'], overwrite: false }],
    [
      '{restore_cache: {key: a, keys: [b, c]}}',
      { match: 'prefix', keys: ['a', 'b', 'c'].map((text) => ({ kind: 'template', text })) },
    ],
    ['{persist_to_workspace: {root: $X, paths: ["**", "{a}"]}}', { root: '$$X', paths: ['*', '\\{a\\}'] }],
    ['{attach_workspace: {at: $X}}', { at: '$$X' }],
  ])('%s', (text, expected) => {
    const { step, found } = read(text);
    expect(step).toMatchObject(expected);
    expect(found).toEqual([]);
  });
});

describe("Go's patterns", () => {
  it.each([
    ['*.jar', 'a.jar', true],
    ['*.jar', 'a/a.jar', false],
    ['a/**', 'a/b', true],
    ['a/**', 'a/b/c', false],
    ['**/c', 'a/b/c', false],
    ['{a,b}', 'a', false],
    ['{a,b}', '{a,b}', true],
    ['[!a]', 'b', false],
    ['[!a]', '!', true],
    ['[^a]', 'b', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['.*', '.hidden', true],
    ['*', '.hidden', true],
    ['?', 'ä', true],
  ])('%s takes %s: %s', (pattern, path, expected) => {
    expect(compileGlob(goGlob(pattern), { dialect: 'doublestar' })(path)).toBe(expected);
  });
});
