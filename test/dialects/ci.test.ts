import { describe, expect, it } from 'vitest';
import { recogniseDialect } from '../../src/dialects/index.ts';
import { strictMode } from '../../src/dialects/strict-mode.ts';
import { toValue } from '../../src/syntax/node.ts';
import { compileText, type Surroundings } from '../support/compile-text.ts';

const file = '.ci.yml';

async function clean(text: string, surroundings: Surroundings = {}) {
  const result = await compileText(text, { file, ...surroundings });
  expect(result.diagnostics).toEqual([]);
  return result;
}

describe('recogniseDialect', () => {
  it.each([
    ['.ci.yml', 'ci'],
    ['sub/.ci.yaml', 'ci'],
    ['.gitlab-ci.yml', 'gitlab'],
    ['pipelines/build.yml', 'gitlab'],
    ['my.ci.yml', 'gitlab'],
    ['.circleci/config.yml', 'circle'],
  ])('%s is %s', (path, name) => {
    expect(recogniseDialect(path)).toBe(name);
  });
});

describe('.ci.yml', () => {
  it("is GitLab's language at the top level", async () => {
    const { job } = await clean('build: { stage: build, script: [make] }\n');
    expect(job('build').steps.map(({ kind }) => kind)).toEqual(['checkout', 'download-artifacts', 'run']);
  });

  it('may hold its jobs under `jobs`, and templates beside them', async () => {
    const { jobs, job, compiled } = await clean(`
.base: { image: alpine }
jobs:
  .more: { tags: [a] }
  build: { extends: [.base, .more], script: [make] }
`);
    expect(jobs.map(({ name }) => name)).toEqual(['build']);
    expect(job('build').image?.name).toBe('alpine');
    expect(toValue(compiled!.config)).toEqual({ build: { image: 'alpine', tags: ['a'], script: ['make'] } });
  });

  it('knows a job of the name `jobs`', async () => {
    const { jobs } = await compileText('jobs: { script: [make] }\n', { file });
    expect(jobs.map(({ name }) => name)).toEqual(['jobs']);
  });

  it('hoists the jobs of included files too', async () => {
    const { jobs } = await clean('include: more.yml\njobs: { a: { script: [a] } }\n', {
      files: { 'more.yml': 'jobs: { b: { steps: [{ run: b }] } }\n' },
    });
    expect(jobs.map(({ name }) => name)).toEqual(['b', 'a']);
  });

  it('compiles the shortest useful example', async () => {
    const { job } = await clean(`
jobs:
  build:
    image: golang:1.21
    steps:
      - checkout
      - run: go build -o myapp
      - upload: { source: myapp, destination: artifacts/myapp }
`);
    expect(job('build').image?.name).toBe('golang:1.21');
    expect(job('build').steps).toMatchObject([
      { kind: 'checkout', phase: 'prepare' },
      { kind: 'download-artifacts', phase: 'prepare' },
      {
        kind: 'run',
        phase: 'script',
        name: 'go build -o myapp',
        script: [strictMode, 'go build -o myapp'],
        echo: 'plain',
      },
      {
        kind: 'upload-artifacts',
        type: 'archive',
        paths: ['myapp'],
        destination: 'artifacts/myapp',
        when: 'on_success',
      },
    ]);
  });
});

describe('steps', () => {
  it("keep the user's order, and no sources come without `checkout`", async () => {
    const { job } = await clean(`
build:
  steps:
    - restore_cache: { keys: [v1, v] }
    - run: { name: Compile, command: "a\\nb", when: on_fail, background: true, shell: /bin/sh -e, working_directory: sub, environment: { A: 1 } }
    - checkout: { path: src }
    - save_cache: { key: 'v1-{{ checksum "lock" }}', paths: [deps], when: always }
    - store_artifacts: { path: logs }
    - store_test_results: { path: reports }
    - persist_to_workspace: { root: ., paths: ['*'] }
    - attach_workspace: { at: /tmp/w }
  after_script: [bye]
  artifacts: { paths: [out/] }
`);
    expect(job('build').steps).toMatchObject([
      { kind: 'download-artifacts' },
      {
        kind: 'restore-cache',
        phase: 'script',
        match: 'prefix',
        keys: [{ kind: 'template', text: 'v1' }, { text: 'v' }],
      },
      {
        kind: 'run',
        name: 'Compile',
        script: ['a\nb'],
        when: 'on_failure',
        background: true,
        shell: '/bin/sh -e',
        directory: 'sub',
        variables: [{ name: 'A', value: '1' }],
      },
      { kind: 'checkout', phase: 'script', path: 'src' },
      { kind: 'save-cache', when: 'always', overwrite: false, key: { kind: 'template' }, paths: ['deps'] },
      { kind: 'upload-artifacts', type: 'stored', when: 'always', paths: ['logs'] },
      { kind: 'test-report', when: 'always', path: 'reports' },
      { kind: 'persist-workspace', root: '.', paths: ['*'] },
      { kind: 'attach-workspace', at: '/tmp/w' },
      { kind: 'run', phase: 'after', script: ['bye'] },
      { kind: 'upload-artifacts', type: 'archive', phase: 'finish' },
    ]);
  });

  it('are chosen by conditions with the variables that are known', async () => {
    const { job } = await clean(
      `
variables: { LEVEL: global }
build:
  variables: { LEVEL: job }
  steps:
    - when: { condition: true, steps: [{ run: a }] }
    - when: { condition: false, steps: [{ run: b }] }
    - when: { condition: '$LEVEL == "job" && $OUTSIDE == "yes"', steps: [{ run: c }, { when: { condition: $NOTHING == null, steps: [{ run: d }] } }] }
    - when: { condition: $CI_COMMIT_TAG, steps: [{ run: e }] }
`,
      { variables: { OUTSIDE: 'yes' } },
    );
    expect(job('build').steps.flatMap((step) => (step.kind === 'run' ? step.script.slice(1) : []))).toEqual([
      'a',
      'c',
      'd',
    ]);
  });

  it('take no `before_script` from the defaults, but images', async () => {
    const { job, compiled } = await clean(`
default: { image: alpine, before_script: [before] }
build: { steps: [{ run: a }] }
`);
    expect(job('build').image?.name).toBe('alpine');
    expect(toValue(compiled!.config)).toEqual({ build: { steps: [{ run: 'a' }], image: 'alpine' } });
  });

  it('must be a list of names or maps of one key', async () => {
    const codes = async (steps: string) =>
      (await compileText(`.x: { steps: ${steps} }\nbuild: { extends: .x }\n`, { file })).codes;
    expect(await codes('[]')).toEqual(['error ci/invalid-step']);
    expect(await codes('make')).toEqual(['error ci/invalid-step']);
    expect(await codes('[{ run: a, checkout: null }]')).toEqual(['error ci/invalid-step']);
    expect(await codes('[42]')).toEqual(['error ci/invalid-step']);
    expect(await codes('[{ constructor: a }]')).toEqual(['error ci/unknown-step']);
    expect(await codes('[{ when: { condition: $A =, steps: [{ run: a }] } }]')).toEqual(['error gitlab/expression']);
  });
});

describe('odd shapes', () => {
  it('`jobs` without a value is no job', async () => {
    const { codes } = await compileText('jobs:\n', { file });
    expect(codes).toContain('error gitlab/no-jobs');
  });

  it('jobs under `jobs` keep their place among the others', async () => {
    const text = 'a: { script: [x] }\njobs: { b: { script: [x] } }\nc: { script: [x] }\n';
    const { compiled } = await clean(text);
    expect(compiled?.pipeline.jobs.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  it('steps may hold lists of steps, as anchors make them', async () => {
    const { job } = await clean('.s: &s [{ run: one }, checkout]\njobs: { a: { steps: [*s, { run: two }] } }\n');
    expect(job('a').steps.map(({ kind }) => kind)).toEqual(['download-artifacts', 'run', 'checkout', 'run']);
  });

  it('a command of the wrong form is told once', async () => {
    const { codes } = await compileText('jobs: { a: { steps: [{ run: { command: [x] } }] } }\n', { file });
    expect(codes).toEqual(['error schema/wrong-type']);
  });
});
