import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '../../src/diagnostics/diagnostic.ts';
import { parseYaml } from '../../src/syntax/parse.ts';
import { type SchemaName, validateSchema } from '../../src/syntax/validate.ts';

function validate(text: string, schema: SchemaName = 'gitlab'): readonly Diagnostic[] {
  const { value, diagnostics } = parseYaml('a.yml', text, 'yaml-1.1');
  expect(diagnostics).toEqual([]);
  return value!.flatMap((node) => validateSchema(node, schema));
}

/** `[code, marked text, message]` of every diagnostic. */
function told(text: string, schema: SchemaName = 'gitlab'): readonly (readonly string[])[] {
  return validate(text, schema).map(({ code, span, message }) => [code, text.slice(span!.start, span!.end), message]);
}

const job = (body: string): string => `build:\n  script: [make]\n  ${body}\n`;

describe('validateSchema', () => {
  it.each<readonly [text: string, code: string, marked: string, message: string]>([
    ['build:\n  script: 5\n', 'schema/wrong-type', '5', 'job `build`: `script` must be a string or a list of strings'],
    ['build:\n  script: [a, 5]\n', 'schema/wrong-type', '5', 'job `build`: an item of `script` must be a string'],
    ['build:\n  script: [[a, [5]]]\n', 'schema/wrong-type', '5', 'job `build`: an item of `script` must be a string'],
    ['build:\n  script: []\n', 'schema/empty', '[]', 'job `build`: `script` must not be empty'],
    ['build: make\n', 'schema/wrong-type', 'build', 'job `build` must be a map with `script`, `run` or `trigger`'],
    ['build:\n', 'schema/wrong-type', 'build', 'job `build` must be a map with `script`, `run` or `trigger`'],
    [job('scirpt: a'), 'schema/unknown-key', 'scirpt', 'job `build`: unknown key `scirpt`'],
    [job('image: {nam: a, name: b}'), 'schema/unknown-key', 'nam', 'job `build`: unknown key `nam` in `image`'],
    [
      job('image: {entrypoint: [a]}'),
      'schema/missing-key',
      'image: {entrypoint: [a]}',
      'job `build`: `image` needs `name`',
    ],
    [
      job('image: [a]'),
      'schema/wrong-type',
      '[a]',
      'job `build`: `image` must be the name of an image or a map with `name`',
    ],
    [
      job('image: {name: a, docker: }'),
      'schema/wrong-type',
      'docker',
      'job `build`: `image:docker` is empty, it must be a map of `platform` and `user`',
    ],
    [
      job('services: [{alias: db}]'),
      'schema/missing-key',
      '{alias: db}',
      'job `build`: an item of `services` needs `name`',
    ],
    [job('when: on_sucess'), 'schema/not-allowed-value', 'on_sucess', 'job `build`: `when` cannot be `on_sucess`'],
    [
      job('when: true'),
      'schema/wrong-type',
      'true',
      'job `build`: `when` must be `on_success`, `on_failure`, `always`, `manual` or `delayed`',
    ],
    [job('retry: 3'), 'schema/out-of-range', '3', 'job `build`: `retry` must be at most 2'],
    [job('retry: "2"'), 'schema/wrong-type', '"2"', 'job `build`: `retry` must be 0, 1, 2 or a map with `max`'],
    [
      job('retry: {max: 1, when: [x]}'),
      'schema/not-allowed-value',
      'x',
      'job `build`: an item of `retry:when` cannot be `x`',
    ],
    [job('parallel: 201'), 'schema/out-of-range', '201', 'job `build`: `parallel` must be at most 200'],
    [
      job('parallel: {matrix: [a]}'),
      'schema/wrong-type',
      'a',
      'job `build`: an item of `parallel:matrix` must be a map of variables',
    ],
    [
      job('cache: {key: a/b}'),
      'schema/pattern',
      'a/b',
      'job `build`: `cache:key` must be a name without `/` that is neither `.` nor `..`',
    ],
    [
      job('cache: {key: {prefix: a}}'),
      'schema/missing-key',
      'key: {prefix: a}',
      'job `build`: `cache:key` needs `files` or `files_commits`',
    ],
    [
      job('cache: [{}, {}, {}, {}, {}]'),
      'schema/too-many',
      '[{}, {}, {}, {}, {}]',
      'job `build`: `cache` holds 5 entries, at most 4 are allowed',
    ],
    [
      job('needs: [{artifacts: true}]'),
      'schema/missing-key',
      '{artifacts: true}',
      'job `build`: an item of `needs` needs `job` or `pipeline`',
    ],
    [
      job('needs: [{project: a/b, job: c}]'),
      'schema/missing-key',
      '{project: a/b, job: c}',
      'job `build`: an item of `needs` with `project` also needs `ref`',
    ],
    [job('rules: []'), 'schema/empty', '[]', 'job `build`: `rules` must not be empty'],
    [job('rules: [{if: }]'), 'schema/wrong-type', 'if', 'job `build`: `rules:if` is empty, it must be a string'],
    [job('rules: [{iff: a}]'), 'schema/unknown-key', 'iff', 'job `build`: unknown key `iff` in an item of `rules`'],
    [
      job('variables: {A: {value: a, description: b}}'),
      'schema/unknown-key',
      'description',
      'job `build`: unknown key `description` in `variables:A`',
    ],
    [
      job('variables: {A: [b]}'),
      'schema/wrong-type',
      '[b]',
      'job `build`: `variables:A` must be a string, a number, a boolean or a map with `value`',
    ],
    [
      job('allow_failure: {exit_codes: [1, 1]}'),
      'schema/duplicate-item',
      '[1, 1]',
      'job `build`: `allow_failure:exit_codes` holds the same value twice',
    ],
    [
      job('environment: {url: a}'),
      'schema/missing-key',
      'environment: {url: a}',
      'job `build`: `environment` needs `name`',
    ],
    [
      job('coverage: abc'),
      'schema/pattern',
      'abc',
      'job `build`: `coverage` must be a regular expression between slashes',
    ],
    [
      job('secrets: {A: {file: true}}'),
      'schema/missing-key',
      'A: {file: true}',
      'job `build`: `secrets:A` needs `vault`, `azure_key_vault`, `gcp_secret_manager`, `aws_secrets_manager`, `akeyless` or `gitlab_secrets_manager`',
    ],
    [
      job('inputs: {a: {type: map, default: b}}'),
      'schema/not-allowed-value',
      'map',
      'job `build`: `inputs:a:type` cannot be `map`',
    ],
    [
      'a: {run: [{name: x, script: y}], script: z}\n',
      'schema/not-together',
      'script',
      'job `a`: `script` cannot be combined with `run`',
    ],
    [
      'a: {run: [{name: x, script: y, step: z}]}\n',
      'schema/not-together',
      'step',
      'job `a`: `run:step` cannot be combined with `script`',
    ],
    [
      'a: {trigger: {strategy: depend}}\n',
      'schema/missing-key',
      'trigger: {strategy: depend}',
      'job `a`: `trigger` needs `project` or `include`',
    ],
    [
      'a: {trigger: b}\n',
      'schema/pattern',
      'b',
      'job `a`: `trigger` must be the path of a project such as `group/project`',
    ],
    ['stages: build\n', 'schema/wrong-type', 'build', '`stages` must be a list of stage names'],
    ['default: {script: [a]}\n', 'schema/unknown-key', 'script', 'unknown key `script` in `default`'],
    ['include: {project: a/b}\n', 'schema/missing-key', 'include: {project: a/b}', '`include` needs `file`'],
    [
      'include: [{local: a, remote: "https://b"}]\n',
      'schema/not-together',
      'remote',
      '`include:remote` cannot be combined with `local`',
    ],
    [
      'workflow: {rules: [{when: manual}]}\n',
      'schema/not-allowed-value',
      'manual',
      '`workflow:rules:when` cannot be `manual`',
    ],
    ['variables: {A: {value: a, options: b}}\n', 'schema/wrong-type', 'b', '`variables:A:options` must be a list'],
    ['spec: {inputs: {a: {options: b}}}\n', 'schema/wrong-type', 'b', '`spec:inputs:a:options` must be a list'],
    [
      'spec: {inputs: {a: {default: b, rules: [{default: c}]}}}\n',
      'schema/not-together',
      'default',
      '`spec:inputs:a:default` cannot be combined with `rules`',
    ],
  ])('%j', (text, code, marked, message) => {
    expect(told(text)).toEqual([[code, marked, message]]);
  });

  it.each([
    ['build:\n  script: true\n', 'write it in quotes: "true"'],
    [
      'build:\n  script:\n    - echo "a: b"\n',
      'a plain value cannot hold `: `: put it in quotes if it is meant as text',
    ],
    [job('parallel: "5"'), 'write it without quotes'],
    [job('scirpt: a'), 'did you mean `script`?'],
    [job('when: on_sucess'), 'did you mean `on_success`?'],
    [job('cache: {when: never}'), 'allowed are `on_success`, `on_failure` and `always`'],
    ['stags: [a]\n', 'did you mean `stages`?'],
  ])('hints at the way out of %j', (text, hint) => {
    expect(validate(text).map((diagnostic) => diagnostic.hint)).toEqual([hint]);
  });

  it('tells all problems of a file, each once', () => {
    const text = 'stages: 1\nbuild:\n  script: 1\n  image: {nam: a}\n  when: x\ntest: [a]\n';
    expect(told(text).map(([code]) => code)).toEqual([
      'schema/wrong-type',
      'schema/wrong-type',
      'schema/missing-key',
      'schema/unknown-key',
      'schema/not-allowed-value',
      'schema/wrong-type',
    ]);
  });

  it.each([
    job('image: !reference [.a, image]'),
    job('image: {name: !reference [.a, name]}'),
    job('services: [!reference [.a, b], redis]'),
    job('rules: [!reference [.a, rules], {if: $A}]'),
    job('variables: {A: !reference [.a, b]}'),
    job('parallel: !reference [.a, b]'),
    job('when: !reference [.a, b]'),
    job('retry: {max: !reference [.a, b]}'),
    job('needs: [!reference [.a, needs], b]'),
    job('cache: [!reference [.a, b]]'),
    job('artifacts: {paths: [!reference [.a, b]]}'),
    'build:\n  script:\n    - !reference [.a, script]\n    - [x, !reference [.b, script]]\n',
    'build: !reference [.a]\n',
    'variables: !reference [.a, b]\n',
  ])('lets references stand for anything: %j', (text) => {
    expect(validate(text)).toEqual([]);
  });

  it('still finds what is wrong beside a reference', () => {
    expect(told(job('services: [!reference [.a, b], 5]')).map(([code, marked]) => [code, marked])).toEqual([
      ['schema/wrong-type', '5'],
    ]);
  });

  it('lets inputs that are filled in later stand for anything', () => {
    expect(validate(job('parallel: $[[ inputs.n ]]\n  when: $[[ inputs.when ]]\n  tags: $[[ inputs.tags ]]'))).toEqual(
      [],
    );
  });

  it('leaves hidden jobs alone', () => {
    expect(validate('.a: text\n.b: [1, 2]\n.c: {script: 1, nonsense: {}}\n')).toEqual([]);
  });

  it('does not ask a job for something to run', () => {
    expect(validate('build: {stage: build}\n')).toEqual([]);
  });

  it('takes a job that extends another as incomplete', () => {
    expect(validate('a: {extends: .b, image: {entrypoint: [x]}, environment: {url: y}}\n')).toEqual([]);
    expect(told('a: {extends: .b, services: [{alias: x}]}\n')).toHaveLength(1);
  });

  it('takes null as not set, and warns where nothing can be switched off', () => {
    expect(validate('a: {extends: .b, image: null, cache: ~, variables: {A: null}}\n')).toEqual([]);
    expect(validate('a: {script: [b], rules: null}\n')).toEqual([]);
    const text = 'variables:\na:\n  script: [b]\n  image:\n';
    expect(validate(text).map(({ severity, span }) => [severity, text.slice(span!.start, span!.end)])).toEqual([
      ['warning', 'variables'],
      ['warning', 'image'],
    ]);
  });

  it('says nothing of a document that is no map', () => {
    expect(validate('')).toEqual([]);
    expect(validate('- a\n')).toEqual([]);
  });

  it('points into the anchor that a wrong value comes from', () => {
    const text = '.a: &a {when: never_ever}\nbuild:\n  <<: *a\n  script: [x]\n';
    expect(told(text).map(([, marked]) => marked)).toEqual(['never_ever']);
  });

  it('takes keys like those of an object prototype', () => {
    expect(told('constructor: {script: [a]}\n__proto__: {script: 1}\n').map(([, marked]) => marked)).toEqual(['1']);
  });
});

describe('the schema of .ci.yml', () => {
  it('takes jobs at the top and under `jobs`, with a script or with steps', () => {
    const text = `
jobs:
  build:
    image: node
    steps:
      - checkout
      - checkout: {path: src}
      - run: make
      - run: {command: make, name: Make, shell: bash, environment: {A: 1}, background: true, working_directory: a, no_output_timeout: 10m, when: on_fail}
      - save_cache: {key: a, paths: [b], when: always}
      - restore_cache: {keys: [a, b]}
      - restore_cache: {key: a}
      - persist_to_workspace: {root: ., paths: [a]}
      - attach_workspace: {at: .}
      - store_artifacts: {path: a, destination: b}
      - store_test_results: {path: a}
      - upload: {source: a, destination: b}
      - when: {condition: $A == "b", steps: [checkout, {run: x}]}
  .hidden: 5
test:
  needs: [build]
  script: make test
`;
    expect(validate(text, 'ci')).toEqual([]);
  });

  it.each<readonly [text: string, code: string, marked: string, message: string]>([
    [
      'a: {steps: [chekout]}\n',
      'schema/not-allowed-value',
      'chekout',
      'job `a`: an item of `steps` cannot be `chekout`',
    ],
    ['a: {steps: [{runn: x}]}\n', 'schema/unknown-key', 'runn', 'job `a`: unknown key `runn` in an item of `steps`'],
    [
      'a: {steps: [{run: {name: x}}]}\n',
      'schema/missing-key',
      'run: {name: x}',
      'job `a`: `steps:run` needs `command`',
    ],
    [
      'a: {steps: [{run: x, checkout: }]}\n',
      'schema/too-many',
      '{run: x, checkout: }',
      'job `a`: an item of `steps` holds 2 entries, at most 1 is allowed',
    ],
    [
      'a: {steps: [{restore_cache: {}}]}\n',
      'schema/missing-key',
      'restore_cache: {}',
      'job `a`: `steps:restore_cache` needs `key` or `keys`',
    ],
    [
      'a: {steps: [checkout], script: x}\n',
      'schema/not-together',
      'script',
      'job `a`: `script` cannot be combined with `steps`',
    ],
    ['jobs: {a: {script: 1}}\n', 'schema/wrong-type', '1', 'job `a`: `script` must be a string or a list of strings'],
    ['jobs: [a]\n', 'schema/wrong-type', '[a]', '`jobs` must be a map of jobs'],
    ['a: {stage: 1, script: x}\n', 'schema/wrong-type', '1', 'job `a`: `stage` must be a string'],
  ])('%j', (text, code, marked, message) => {
    expect(told(text, 'ci')).toEqual([[code, marked, message]]);
  });

  it('is not the one of .gitlab-ci.yml', () => {
    expect(told('a: {steps: [checkout]}\n').map(([code]) => code)).toEqual(['schema/unknown-key']);
  });
});
