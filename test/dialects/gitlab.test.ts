import { describe, expect, it } from 'vitest';
import { toValue } from '../../src/syntax/node.ts';
import { compileText } from '../support/compile-text.ts';

async function clean(text: string, surroundings = {}) {
  const result = await compileText(text, surroundings);
  expect(result.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  return result;
}

function kinds(steps: readonly { readonly kind: string }[]): readonly string[] {
  return steps.map(({ kind }) => kind);
}

describe('stages', () => {
  it('that are no list are told of once, not again at each job', async () => {
    const jobs = 'a: { script: [make] }\nb: { stage: deploy, script: [make] }\n';
    expect((await compileText(`stages: { one: two }\n${jobs}`)).codes).toEqual(['error schema/wrong-type']);
  });
});

describe('extends', () => {
  it('merges maps, replaces lists, lets later parents win and null take away', async () => {
    const { job } = await clean(`
.a:
  image: a
  variables: { A: a, BOTH: a }
  script: [from a]
  tags: [x]
.b:
  variables: { B: b, BOTH: b }
  tags: [y, z]
  services: [db]
build:
  extends: [.a, .b]
  variables: { OWN: own }
  services: null
`);
    const build = job('build');
    expect(build.image?.name).toBe('a');
    expect(build.tags).toEqual(['y', 'z']);
    expect(build.services).toEqual([]);
    expect(Object.fromEntries(build.variables.map(({ name, value }) => [name, value]))).toEqual({
      A: 'a',
      BOTH: 'b',
      B: 'b',
      OWN: 'own',
    });
  });

  it('allows eleven levels and no more', async () => {
    const chain = (levels: number): string =>
      `.t0: { script: [make] }\n${Array.from({ length: levels - 1 }, (_, i) => `.t${i + 1}: { extends: .t${i} }\n`).join('')}` +
      `build: { extends: .t${levels - 1} }\n`;
    expect((await compileText(chain(11))).codes).toEqual([]);
    expect((await compileText(chain(12))).codes).toEqual(['error gitlab/extends-too-deep']);
    expect((await compileText(chain(5000))).codes).toContain('error gitlab/extends-too-deep');
  });

  it('keeps the span of the file that a value came from', async () => {
    const { diagnostics } = await compileText('include: base.yml\nbuild: { extends: .base, script: [make] }\n', {
      files: { 'base.yml': '.base:\n  timeout: a while\n' },
    });
    expect(diagnostics.map(({ span }) => span?.file)).toEqual(['base.yml']);
  });

  it('tells a mistake in a template once, however many jobs extend it', async () => {
    const jobs = Array.from({ length: 50 }, (_, i) => `job${i}: { extends: .base }\n`).join('');
    expect((await compileText(`.base: { script: [make], timeout: a while }\n${jobs}`)).codes).toEqual([
      'error gitlab/duration',
    ]);
  });

  it('takes time in proportion to the number of jobs', async () => {
    const variables = Array.from({ length: 50 }, (_, i) => `V${i}: "${i}"`).join(', ');
    const text = (jobs: number): string =>
      `.base: { script: [make], variables: { ${variables} } }\n` +
      Array.from({ length: jobs }, (_, i) => `job${i}: { extends: .base, stage: test }\n`).join('');
    const { compiled, jobs } = await compileText(text(5000));
    expect(jobs).toHaveLength(5000);
    // Shared, not copied: every job has the template's own variables.
    expect(new Set(jobs.map((job) => job.variables)).size).toBe(1);
    expect(compiled?.pipeline.incomplete).toBe(false);
  });
});

describe('templates', () => {
  it('are checked once jobs use them', async () => {
    const template = '.base: { scrpt: [make], retry: { max: 1, wen: always } }\n';
    expect((await compileText(`${template}build: { script: [make] }\n`)).codes).toEqual([]);
    const jobs = 'one: { extends: .base, script: [make] }\ntwo: { extends: .base, script: [make] }\n';
    const { codes, pointedAt } = await compileText(template + jobs);
    expect(codes).toEqual(['error schema/unknown-key', 'error schema/unknown-key']);
    expect(pointedAt('schema/unknown-key')).toBe('scrpt');
  });

  it('may hold what jobs replace', async () => {
    expect(
      (await compileText('.base: { image: [], script: 1 }\nbuild: { extends: .base, script: [make], image: a }\n'))
        .codes,
    ).toEqual([]);
  });
});

describe('!reference', () => {
  it('is resolved after extends and flattened in scripts', async () => {
    const { job } = await clean(`
.a:
  script: [a1, a2]
.b:
  extends: .a
  before_script:
    - !reference [.a, script]
    - b
build:
  variables: !reference [.v, variables]
  script:
    - !reference [.b, before_script]
    - !reference [.b, script]
    - own
  rules:
    - !reference [.r, rules]
    - when: never
.v:
  variables: { X: x }
.r:
  rules:
    - if: $CI_COMMIT_TAG
    - when: manual
`);
    const build = job('build');
    expect(build.steps.find((step) => step.kind === 'run')?.script).toEqual(['a1', 'a2', 'b', 'a1', 'a2', 'own']);
    expect(build.rules?.map(({ if: condition, when }) => condition?.value ?? when)).toEqual([
      '$CI_COMMIT_TAG',
      'manual',
      'never',
    ]);
    expect(build.variables.map(({ name }) => name)).toEqual(['X']);
  });

  it('leads nowhere quietly where an include is missing', async () => {
    const { codes, job } = await compileText(`
include: { project: group/other, file: a.yml }
variables: { IMAGE: !reference [.image, variables, IMAGE] }
build:
  script: [!reference [.there, script]]
  rules: [!reference [.there, rules]]
`);
    expect(new Set(codes)).toEqual(new Set(['warning gitlab/include-not-read', 'warning gitlab/unknown-reference']));
    expect(job('build').rules).toBeUndefined();
  });
});

describe('hostile files', () => {
  it('are refused in time: references that multiply, matrices without end', async () => {
    const levels = Array.from(
      { length: 9 },
      (_, i) =>
        `.r${i}: { script: [${Array(20)
          .fill(`!reference [.r${i + 1}, script]`)
          .join(', ')}] }\n`,
    ).join('');
    const { codes } = await compileText(
      `${levels}.r9: { script: [make] }\nbuild: { script: [!reference [.r0, script]] }\n`,
    );
    expect(new Set(codes)).toEqual(new Set(['error gitlab/expands-too-far', 'error gitlab/no-jobs']));
    const axes = Array.from({ length: 30 }, (_, i) => `A${i}: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]`).join(', ');
    const matrix = await compileText(
      `a: { script: [a], parallel: { matrix: [{ ${axes} }] } }\n` +
        `b: { script: [b], needs: [{ job: a, parallel: { matrix: [{ ${axes} }] } }] }\n`,
    );
    expect(matrix.codes).toEqual(['error gitlab/matrix-too-large', 'error gitlab/matrix-too-large']);
  });
});

describe('include', () => {
  it('merges below the including file, later files over earlier ones, nested ones first', async () => {
    const { job, compiled } = await clean(
      `
include: [one.yml, { local: /two.yml }]
variables: { ENTRY: entry }
build:
  variables: { WHO: entry }
`,
      {
        files: {
          'one.yml': 'variables: { A: one, B: one }\nbuild: { script: [one], image: one }\n',
          'two.yml': 'include: three.yml\nvariables: { A: two }\nbuild: { image: two }\n',
          'three.yml': 'variables: { A: three, C: three, ENTRY: three }\nbuild: { script: [three] }\n',
        },
      },
    );
    const globals = Object.fromEntries(compiled!.pipeline.variables.map(({ name, value }) => [name, value]));
    expect(globals).toEqual({ A: 'two', B: 'one', C: 'three', ENTRY: 'entry' });
    expect(job('build').image?.name).toBe('two');
    expect(job('build').steps.find((step) => step.kind === 'run')?.script).toEqual(['three']);
  });

  it('follows rules: if, exists, changes, in order', async () => {
    const include = (rules: string): string =>
      `include: [{ local: more.yml, rules: ${rules} }]\nbuild: { script: [make] }\n`;
    const files = { 'more.yml': 'more: { script: [make] }\n', 'src/a.go': '' };
    const included = async (rules: string): Promise<boolean> => {
      const { jobs } = await clean(include(rules), { files, changed: ['src/a.go'] });
      return jobs.some(({ name }) => name === 'more');
    };
    expect(await included('[{ if: $CI_COMMIT_BRANCH == "main" }]')).toBe(true);
    expect(await included('[{ if: $CI_COMMIT_BRANCH == "other" }]')).toBe(false);
    expect(await included('[{ if: $CI_COMMIT_BRANCH, when: never }, { when: always }]')).toBe(false);
    expect(await included('[{ exists: ["src/*.go"] }]')).toBe(true);
    expect(await included('[{ exists: ["*.go"] }]')).toBe(false);
    expect(await included('[{ changes: ["src/**/*"] }]')).toBe(true);
    expect(await included('[{ changes: { paths: ["docs/**/*"] } }]')).toBe(false);
  });

  it('takes the same file often, and a wildcard never means the file that it stands in', async () => {
    const { jobs } = await clean('include: [a.yml, a.yml]\n', {
      files: { 'a.yml': 'include: "*.yml"\na: { script: [a] }\n', 'b.yml': 'b: { script: [b] }\n' },
    });
    expect(jobs.map(({ name }) => name)).toEqual(['b', 'a']);
  });

  it('expands variables in paths', async () => {
    const { jobs } = await clean('include: ci/$FLAVOUR.yml\n', {
      files: { 'ci/full.yml': 'full: { script: [make] }\n' },
      variables: { FLAVOUR: 'full' },
    });
    expect(jobs.map(({ name }) => name)).toEqual(['full']);
  });
});

describe('default and inherit', () => {
  it('replaces, never merges; globals are defaults too', async () => {
    const { job } = await clean(`
default:
  image: { name: default, entrypoint: [sh] }
  tags: [a]
  before_script: [before]
after_script: [after]
one: { script: [one] }
two: { script: [two], image: { name: own }, before_script: [], inherit: { default: [image, after_script] } }
three: { script: [three], inherit: { default: false, variables: [A] } }
`);
    expect(job('one').image?.entrypoint).toEqual(['sh']);
    expect(
      job('one')
        .steps.filter((step) => step.kind === 'run')
        .map(({ script }) => script),
    ).toEqual([['before', 'one'], ['after']]);
    expect(job('two').image).toMatchObject({ name: 'own' });
    expect(job('two').image?.entrypoint).toBeUndefined();
    expect(job('two').tags).toEqual([]);
    expect(job('three').image).toBeUndefined();
    expect(job('three').inheritVariables).toEqual(['A']);
  });
});

describe('the life of a job', () => {
  it("is GitLab Runner's", async () => {
    const { job } = await clean(
      `
build:
  script: [make]
  after_script: [clean]
  cache:
    - { paths: [a/] }
    - { key: { files: [lock], prefix: p }, paths: [b/], policy: pull, fallback_keys: [old] }
    - { key: c, paths: [c/], policy: push, when: always }
    - { key: d, paths: [d/], policy: $POLICY }
  artifacts:
    paths: [out/]
    exclude: [out/tmp]
    when: on_failure
    expire_in: 2 hours
    reports:
      junit: [a.xml, b.xml]
      dotenv: build.env
      coverage_report: { coverage_format: cobertura, path: c.xml }
`,
    );
    const { steps } = job('build');
    expect(kinds(steps)).toEqual([
      'checkout',
      'restore-cache',
      'restore-cache',
      'restore-cache',
      'download-artifacts',
      'run',
      'run',
      'save-cache',
      'save-cache',
      'save-cache',
      'upload-artifacts',
      'upload-artifacts',
      'upload-artifacts',
      'upload-artifacts',
    ]);
    expect(steps[1]).toMatchObject({ keys: [{ kind: 'text', text: 'default' }], match: 'exact' });
    expect(steps[2]).toMatchObject({
      keys: [
        { kind: 'files', files: ['lock'], prefix: 'p' },
        { kind: 'text', text: 'old' },
      ],
    });
    expect(steps[3]).toMatchObject({ policy: '$POLICY' });
    expect(steps[6]).toMatchObject({ phase: 'after', when: 'always', timeoutMs: 300_000, name: 'after_script' });
    expect(steps[8]).toMatchObject({ phase: 'finish', when: 'always', key: { text: 'c' } });
    expect(steps[10]).toMatchObject({
      type: 'archive',
      when: 'on_failure',
      expireInMs: 7_200_000,
      exclude: ['out/tmp'],
    });
    expect(
      steps.slice(11).map((step) => step.kind === 'upload-artifacts' && [step.type, step.when, step.paths]),
    ).toEqual([
      ['junit', 'always', ['a.xml', 'b.xml']],
      ['dotenv', 'always', ['build.env']],
      ['coverage_report', 'always', ['c.xml']],
    ]);
  });

  it('says of a script in too many lists just that', async () => {
    const nested = (lists: number): string => `a: { script: ${'['.repeat(lists)}make${']'.repeat(lists)} }\n`;
    expect((await compileText(nested(11))).codes).toEqual([]);
    const { codes, diagnostics } = await compileText(nested(14));
    expect(codes).toEqual(['error gitlab/invalid-value']);
    expect(diagnostics[0]?.message).toBe('`script` is nested more than 10 lists deep');
  });

  it('says why where nothing can be run', async () => {
    const { job, codes } = await compileText(
      "it's: { run: [{ name: a, script: echo }, { name: b, func: ./local }] }\n",
    );
    expect(codes).toEqual(['warning gitlab/not-run-yet']);
    expect(job("it's").steps.find((step) => step.kind === 'refuse')).toMatchObject({
      reason: 'runner_unsupported',
      message: expect.stringContaining('the step `b` of `run` is taken from `./local`'),
    });
  });
});

describe('keywords of a job', () => {
  it('are read', async () => {
    const { job } = await clean(`
stages: [one, [two, [three]], .post]
all:
  stage: three
  script: make
  allow_failure: { exit_codes: [3, 4] }
  retry: { max: 2, when: [script_failure], exit_codes: 7 }
  timeout: 1h 30m
  when: delayed
  start_in: 5 minutes
  interruptible: true
  resource_group: live
  environment: { name: live, url: https://example.org, on_stop: stop, deployment_tier: production }
  coverage: '/(\\d+)%/'
  tags: [docker]
  dependencies: [a]
  needs: [a, { job: b, artifacts: false, optional: true }, { job: c, parallel: { matrix: [{ X: [1, 2] }] } }]
  services:
    - { name: postgres:16, alias: "db, database", command: [postgres], variables: { A: b } }
  variables: { A: { value: $B, expand: false } }
  parallel: { matrix: [{ X: [1, 2], Y: a }, { X: 3 }] }
stop: { script: [make], stage: one, environment: { name: live, action: stop } }
`);
    expect(job('all')).toMatchObject({
      stage: { value: 'three' },
      allowFailure: { exitCodes: [3, 4] },
      retry: { max: 2, when: ['script_failure'], exitCodes: [7] },
      timeoutMs: 5_400_000,
      when: 'delayed',
      startInMs: 300_000,
      interruptible: true,
      resourceGroup: 'live',
      environment: {
        name: 'live',
        url: 'https://example.org',
        onStop: { value: 'stop' },
        tier: 'production',
        action: 'start',
      },
      coverage: '(\\d+)%',
      tags: ['docker'],
      dependencies: [{ value: 'a' }],
      needs: [
        { job: 'a', artifacts: true, optional: false },
        { job: 'b', artifacts: false, optional: true },
        { job: 'c', matrix: [{ X: '1' }, { X: '2' }] },
      ],
      services: [
        { name: 'postgres:16', aliases: ['db', 'database'], command: ['postgres'], variables: [{ name: 'A' }] },
      ],
      variables: [{ name: 'A', value: '$B', raw: true }],
      parallel: {
        kind: 'matrix',
        entries: [
          [
            { name: 'X', values: ['1', '2'] },
            { name: 'Y', values: ['a'] },
          ],
          [{ name: 'X', values: ['3'] }],
        ],
      },
    });
  });

  it('flattens stages and puts .pre and .post around them', async () => {
    const stages = async (text: string) => (await clean(`${text}\na: { script: [a] }\n`)).compiled?.pipeline.stages;
    expect(await stages('stages: [one, [two, [three]], .post, .pre]')).toEqual([
      '.pre',
      'one',
      'two',
      'three',
      '.post',
    ]);
    expect(await stages('')).toEqual(['.pre', 'build', 'test', 'deploy', '.post']);
  });

  it('points into the text of an expression', async () => {
    const text = 'a:\n  script: [a]\n  rules:\n    - if: $A == "x" &&& $B\n    - if: \'$A = "y"\'\n';
    const { pointedAt } = await compileText(text);
    expect(pointedAt('gitlab/expression')).toBe('&');
  });

  it('keeps a pipeline mirror and a trigger as bridges', async () => {
    const { jobs } = await clean(`
child: { trigger: { include: child.yml, strategy: depend } }
other: { trigger: group/other }
mirror: { needs: { pipeline: group/other } }
`);
    expect(jobs.map(({ kind }) => kind)).toEqual(['bridge', 'bridge', 'bridge']);
    expect(jobs[0]).toMatchObject({ trigger: { kind: 'child', files: [{ name: 'child.yml' }], strategy: 'depend' } });
    expect(jobs[1]).toMatchObject({
      trigger: { kind: 'project', project: { value: 'group/other' }, strategy: 'none' },
    });
    expect(jobs[2]).toMatchObject({ trigger: { kind: 'followed', project: { value: 'group/other' } } });
  });
});

describe('odd but legal values', () => {
  it.each([
    ['artifacts: { paths: [a], expire_in: one week }', { steps: [{}, {}, {}, { expireInMs: 604_800_000 }] }],
    ['artifacts: { paths: [a], expire_in: never }', { steps: [{}, {}, {}, { type: 'archive' }] }],
    ['timeout: 2 hrs 20 min', { timeoutMs: 8_400_000 }],
    ['rules: null', { when: 'on_success' }],
    ['needs: []', { needs: [] }],
    ['dependencies: []', { dependencies: [] }],
    ['cache: []', { steps: [{ kind: 'checkout' }, { kind: 'download-artifacts' }, { kind: 'run' }] }],
    ['image: { name: a, entrypoint: [""] }', { image: { name: 'a', entrypoint: [''] } }],
    [
      'variables: { A: 0755, B: yes, C: 1.20, D: null }',
      { variables: [{ value: '493' }, { value: 'true' }, { value: '1.2' }, { value: '' }] },
    ],
    ['allow_failure: { exit_codes: 137 }', { allowFailure: { exitCodes: [137] } }],
    ['retry: 1', { retry: { max: 1 } }],
    ['environment: review/$CI_COMMIT_REF_SLUG', { environment: { name: 'review/$CI_COMMIT_REF_SLUG' } }],
  ])('%s', async (line, expected) => {
    const { job } = await clean(`a:\n  script: [""]\n  ${line}\n`);
    expect(job('a')).toMatchObject(expected);
  });
});

describe('workflow', () => {
  it('is read', async () => {
    const { compiled } = await clean(`
workflow:
  name: Pipeline for $CI_COMMIT_BRANCH
  auto_cancel: { on_job_failure: all }
  rules: [{ if: $CI_COMMIT_TAG, when: never }, { when: always, variables: { A: a } }]
a: { script: [a] }
`);
    expect(compiled?.pipeline).toMatchObject({
      name: 'Pipeline for $CI_COMMIT_BRANCH',
      workflow: { autoCancelOnJobFailure: 'all', rules: [{ when: 'never' }, { variables: [{ name: 'A' }] }] },
    });
  });
});

describe('the merged configuration', () => {
  it('has jobs with everything in them, and compiles to the same pipeline again', async () => {
    const { compiled } = await clean(
      `
include: base.yml
default: { image: alpine }
variables: { A: a }
build: { extends: .base, stage: test }
`,
      { files: { 'base.yml': '.base: { script: [!reference [.x, script], make] }\n.x: { script: [x] }\n' } },
    );
    expect(toValue(compiled!.config)).toEqual({
      variables: { A: 'a' },
      build: { script: [['x'], 'make'], stage: 'test', image: 'alpine' },
    });
  });
});

describe('the merged configuration of an incomplete file', () => {
  it('keeps the includes that were not read', async () => {
    const { compiled } = await compileText(
      'include: [base.yml, { project: group/other, file: a.yml }]\nbuild: { extends: .base }\n',
      { files: { 'base.yml': '.base: { script: [make] }\n' } },
    );
    expect(toValue(compiled!.config)).toEqual({
      include: [{ project: 'group/other', file: 'a.yml' }],
      build: { script: ['make'] },
    });
  });
});

describe('the header document', () => {
  it.each(['spec: { inputs: { a: { default: b } } }', 'spec:', 'spec: {}', 'spec: { inputs: }'])(
    '%s stands before the jobs',
    async (header) => {
      const { codes, jobs } = await compileText(`---\n${header}\n---\nbuild: { script: [make] }\n---\n`);
      expect(codes).toEqual([]);
      expect(jobs.map(({ name }) => name)).toEqual(['build']);
    },
  );

  it.each<[string, string, string]>([
    ['spec: {}\nbuild: { script: [make] }\n', 'error gitlab/header', 'build'],
    ['spec: {}\n', 'error gitlab/header', 'spec'],
    ['spec: {}\n---\na: { script: [x] }\n---\nb: { script: [x] }\n', 'error gitlab/header', 'b: { script: [x] }'],
    ['a: { script: [x] }\n---\nb: { script: [x] }\n', 'warning gitlab/header', 'b: { script: [x] }'],
  ])('%j is told', async (text, code, place) => {
    const { codes, pointedAt } = await compileText(text);
    expect(codes).toEqual([code]);
    expect(pointedAt('gitlab/header')).toBe(place);
  });
});

describe('inputs', () => {
  it('are filled in: what the include gives, else the default, with their types', async () => {
    const part = `
spec:
  inputs:
    name: {}
    stage: { default: test }
    tries: { type: number, default: 2 }
    lines: { type: array, default: [a, b] }
---
"$[[ inputs.name ]]-job":
  stage: $[[ inputs.stage ]]
  retry: $[[ inputs.tries ]]
  script: $[[ inputs.lines ]]
  variables: { BOTH: "$[[ inputs.name ]]/$[[inputs.stage]]", CUT: "$[[ inputs.name | truncate(0,1) ]]" }
`;
    const { job } = await clean(
      `include:
  - { local: part.yml, inputs: { name: one } }
  - { local: part.yml, inputs: { name: two, stage: build, tries: 0 } }
`,
      { files: { 'part.yml': part } },
    );
    expect(job('one-job')).toMatchObject({ stage: { value: 'test' }, retry: { max: 2 } });
    expect(job('one-job').steps.find((step) => step.kind === 'run')?.script).toEqual(['a', 'b']);
    expect(job('two-job')).toMatchObject({ stage: { value: 'build' }, retry: { max: 0 } });
    expect(job('two-job').variables.map(({ value }) => value)).toEqual(['two/build', 't']);
  });
});

describe('texts that are no pipeline', () => {
  it.each(['', '# only a comment', 'null', '[]', 'text', '42'])('%j is told', async (text) => {
    const { codes, compiled } = await compileText(text);
    expect(codes.filter((code) => code.startsWith('error'))).toHaveLength(1);
    expect(compiled).toBeUndefined();
  });
});

describe('environments and time limits', () => {
  it.each(['review/$CI_COMMIT_REF_SLUG', 'a b-c_d.e/${X}', '$ENV'])('%s can be an environment', async (name) => {
    expect((await compileText(`a: { script: [x], environment: { name: '${name}' } }\n`)).codes).toEqual([]);
    expect((await compileText(`a: { script: [x], environment: '${name}' }\n`)).codes).toEqual([]);
  });

  it.each(['/a', 'a/', 'a?', 'a:b'])('%s can not', async (name) => {
    expect((await compileText(`a: { script: [x], environment: '${name}' }\n`)).codes).toEqual([
      'error gitlab/invalid-value',
    ]);
  });

  it('on_stop names a job that stops the same environment', async () => {
    const stop = (environment: string): string => `
go: { script: [x], environment: { name: e, on_stop: stop } }
stop: { script: [x]${environment} }
`;
    expect((await compileText(stop(', environment: { name: e, action: stop }'))).codes).toEqual([]);
    for (const wrong of ['', ', environment: e', ', environment: { name: f, action: stop }']) {
      expect((await compileText(stop(wrong))).codes).toEqual(['error gitlab/on-stop']);
    }
  });

  it('a timeout is one month at most', async () => {
    expect((await compileText('a: { script: [x], timeout: 30 days }\n')).codes).toEqual([]);
    expect((await compileText('a: { script: [x], timeout: 40 days }\n')).codes).toEqual(['error gitlab/invalid-value']);
  });
});
