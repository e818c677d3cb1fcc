import { describe, expect, it } from 'vitest';
import { readEvents, runCi } from '../support/run-ci.ts';
import { temporaryProject } from '../support/temporary-project.ts';

const file = `
stages: [build, test]
build:
  stage: build
  script: ['echo building']
test:
  stage: test
  image: some/image:1
  parallel: { matrix: [{ V: ['18', '20'] }] }
  rules: [{ if: '$CI_COMMIT_BRANCH == "main"' }]
  script: ['true']
tagged:
  rules: [{ if: $CI_COMMIT_TAG }]
  script: ['true']
`;

describe('what comes out', () => {
  it('list as JSON', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': file });
    const result = await runCi(['list', '--format', 'json'], { cwd: project.root, home: project.home });
    const document = JSON.parse(result.stdout);
    expect(Object.keys(document)[0]).toBe('schema');
    expect(document).toMatchObject({
      schema: 'ci/1',
      jobs: [
        {
          name: 'build',
          stage: 'build',
          when: 'on_success',
          needs: [],
          allowFailure: false,
          executor: 'shell',
          included: true,
        },
        { name: 'test', executor: 'docker', image: 'some/image:1', included: true, ids: ['test: [18]', 'test: [20]'] },
        { name: 'tagged', included: false, because: expect.any(String) },
      ],
    });
  });

  it('events as one JSON object a line', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': file });
    const result = await runCi(['run', 'build', '--reporter', 'json'], { cwd: project.root, home: project.home });
    const events = readEvents(result.stdout);
    expect(events[0]).toMatchObject({
      schema: 'ci/1',
      type: 'pipeline-planned',
      jobs: [{ id: 'build', name: 'build', stage: 'build', needs: [], when: 'on_success', executor: 'shell' }],
    });
    for (const event of events) expect(Number.isNaN(Date.parse(event['at'] as string))).toBe(false);
    expect(events.some((event) => event.type === 'job-started' && event.job === 'build')).toBe(true);
    expect(events.find((event) => event.type === 'job-output' && event['stream'] === 'stdout')).toMatchObject({
      job: 'build',
      text: expect.any(String),
    });
    expect(events.find((event) => event.type === 'job-finished')).toMatchObject({
      job: 'build',
      status: 'success',
      allowFailure: false,
      durationMs: expect.any(Number),
      attempts: 1,
    });
    expect(events.at(-1)).toMatchObject({
      type: 'pipeline-finished',
      status: 'success',
      durationMs: expect.any(Number),
      jobs: { build: { status: 'success', allowFailure: false } },
    });
  });

  it('lint findings in every format', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': "test: { stage: tset, script: ['true'] }\n" });
    const lint = async (format: string) =>
      (await runCi(['lint', '--format', format], { cwd: project.root, home: project.home })).stdout;
    expect(JSON.parse(await lint('json'))).toMatchObject({
      schema: 'ci/1',
      files: ['.gitlab-ci.yml'],
      diagnostics: [
        {
          code: 'plan/unknown-stage',
          severity: 'error',
          file: '.gitlab-ci.yml',
          line: 1,
          column: 16,
          hint: expect.stringContaining('test'),
        },
      ],
    });
    expect(JSON.parse(await lint('sarif'))).toMatchObject({
      version: '2.1.0',
      runs: [{ results: [{ ruleId: 'plan/unknown-stage' }] }],
    });
    expect(JSON.parse(await lint('codequality'))).toMatchObject([
      { check_name: 'plan/unknown-stage', location: { path: '.gitlab-ci.yml', lines: { begin: 1 } } },
    ]);
    expect(await lint('github')).toContain('::error file=.gitlab-ci.yml,line=1');
  });

  it.each([
    ['mermaid', /^(graph|flowchart) /m],
    ['dot', /^digraph /m],
    ['html', /<html/],
    ['tree', /build/],
    ['json', /"schema": "ci\/1"/],
  ] as const)('the graph as %s', async (format, expected) => {
    using project = temporaryProject({ '.gitlab-ci.yml': file });
    const result = await runCi(['graph', '--format', format], { cwd: project.root, home: project.home });
    expect(result.exitCode, result.stderr).toBe(0);
    expect(result.stdout).toMatch(expected);
  });

  it('the merged file, which is a pipeline again', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml':
        "include: ci/more.yml\n.base: { variables: { A: '1' }, script: ['echo $A'] }\njob: { extends: .base, before_script: [!reference [.setup, script]] }\n",
      'ci/more.yml': ".setup: { script: ['echo setup'] }\n",
    });
    const given = { cwd: project.root, home: project.home };
    const json = JSON.parse((await runCi(['config', '--format', 'json'], given)).stdout);
    expect({ ...json.job, before_script: json.job.before_script.flat() }).toMatchObject({
      before_script: ['echo setup'],
      script: ['echo $A'],
      variables: { A: '1' },
    });
    const yaml = (await runCi(['config'], given)).stdout;
    project.write('merged.yml', yaml);
    const again = await runCi(['lint', 'merged.yml'], given);
    expect(again.exitCode, again.stdout).toBe(0);
  });

  it('completion, which keeps quiet about a broken file', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': file });
    const given = { cwd: project.root, home: project.home };
    expect((await runCi(['__complete', '--', 'run', 'te'], given)).stdout).toBe('test\ntest: [18]\ntest: [20]\n');
    expect((await runCi(['__complete', '--', 'run', '--stage', ''], given)).stdout).toContain('build\n');
    expect((await runCi(['__complete', '--', 'run', '--repor'], given)).stdout).toBe('--reporter\n--report\n');
    project.write('.gitlab-ci.yml', '[');
    expect(await runCi(['__complete', '--', 'run', ''], given)).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
    for (const shell of ['bash', 'zsh', 'fish', 'pwsh']) {
      expect((await runCi(['completion', shell], given)).stdout).toContain('__complete');
    }
  });

  it('schemas, help and the version', async () => {
    using project = temporaryProject({});
    const given = { cwd: project.root, home: project.home };
    expect(JSON.parse((await runCi(['schema', 'gitlab'], given)).stdout)).toHaveProperty('$schema');
    expect((await runCi(['--version'], given)).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const help = await runCi(['run', '--help'], given);
    expect([help.exitCode, help.stdout]).toEqual([0, expect.stringContaining('--concurrency')]);
    expect((await runCi([], given)).exitCode).toBe(2);
  });

  it('takes settings from files and variables, and nothing unsafe from the repository', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': 'a: { script: [\'echo "$FROM_SETTINGS"\'] }\n',
      '.ci.toml': 'reporter = "json"\nprivileged = true\nnonsense = 1\n[variables]\nFROM_SETTINGS = "yes indeed"\n',
    });
    const given = { cwd: project.root, home: project.home };
    const result = await runCi(['run'], given);
    expect(result.stdout).toContain('yes indeed');
    expect(result.stdout.split('\n')[0]).toMatch(/^\{/);
    expect(result.stderr).toContain("can't turn safety off");
    expect(result.stderr).toContain('there is no setting `nonsense`');
    const plain = await runCi(['run'], { ...given, env: { CI_CLI_REPORTER: 'plain' } });
    expect(plain.stdout).toContain('a | yes indeed');
    const bad = await runCi(['run'], { ...given, env: { CI_CLI_CONCURRENCY: 'many' } });
    expect(bad.exitCode).toBe(2);
  });

  it('takes the limit of included files from the user, not from the repository', async () => {
    const job = 'a: { script: [make] }\n';
    using project = temporaryProject({
      '.gitlab-ci.yml': 'include: [one.yml, two.yml]\n',
      'one.yml': job,
      'two.yml': job,
      '.ci.toml': 'max-includes = 1000\n',
      '../home/config/config.toml': 'max-includes = 1\n',
    });
    const given = { cwd: project.root, home: project.home };
    const few = await runCi(['lint'], given);
    expect(few).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('more than 1 files are included') });
    expect(few.stdout).toContain('CI_CLI_MAX_INCLUDES');
    const enough = await runCi(['list'], { ...given, env: { CI_CLI_MAX_INCLUDES: '2' } });
    expect(enough).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('`max-includes` is ignored here') });
  });
});
