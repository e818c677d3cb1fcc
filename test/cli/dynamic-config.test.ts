import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { testEngine } from '../executors/support/engine.ts';
import { type CiOptions, readEvents, runCi } from '../support/run-ci.ts';
import { type TemporaryProject, temporaryProject } from '../support/temporary-project.ts';

const engine = await testEngine();

async function run(project: TemporaryProject, args: readonly string[] = [], options: Partial<CiOptions> = {}) {
  const given = { cwd: project.root, home: project.home, ...options };
  const result = await runCi(['run', '--reporter', 'json', ...args], given);
  const events = readEvents(result.stdout);
  const jobs = (events.find((event) => event.type === 'pipeline-finished')?.['jobs'] ?? {}) as Record<
    string,
    { readonly status: string; readonly message?: string }
  >;
  const outputOf = (job: string): string =>
    events.flatMap((event) => (event.type === 'job-output' && event.job === job ? [event['text']] : [])).join('');
  const statuses = Object.fromEntries(Object.entries(jobs).map(([id, { status }]) => [id, status]));
  return { ...result, jobs, statuses, outputOf };
}

async function ci(project: TemporaryProject, args: readonly string[]): Promise<string> {
  const result = await runCi(args, { cwd: project.root, home: project.home });
  return result.stdout + result.stderr;
}

/** A setup job that runs `script` and then continues with `continuing`. */
const setup = (script: string, continuing: string, where = 'machine: true'): string => `version: 2.1
setup: true
parameters: { deploy: { type: boolean, default: false } }
orbs: { continuation: circleci/continuation@1.1.0 }
jobs:
  generate:
    ${where}
    steps:
      - checkout
      - run: ${JSON.stringify(script)}
      - continuation/continue: ${continuing}
workflows:
  setup:
    jobs: [generate]
`;

const base = `version: 2.1
parameters:
  deploy: { type: boolean, default: false }
  loud: { type: boolean, default: false }
jobs:
  hello:
    machine: true
    steps: [run: 'echo "loud=<< pipeline.parameters.loud >> deploy=<< pipeline.parameters.deploy >> $CIRCLE_BRANCH $CIRCLE_JOB"']
`;
const main = 'workflows: { main: { jobs: [hello] } }';

describe('a setup configuration', () => {
  it('goes on with a file that its job generates, and hands parameters on', async () => {
    using project = temporaryProject({
      '.circleci/config.yml': setup(
        `{ cat .circleci/base; echo "${main}"; } > "$CIRCLE_INTERNAL_SCRATCH/made.yml"; mv "$CIRCLE_INTERNAL_SCRATCH/made.yml" .`,
        `{ configuration_path: made.yml, parameters: '{"loud": true}' }`,
      ),
      '.circleci/base': base,
    });
    expect(await ci(project, ['plan'])).toContain('known when setup/generate has made its file');
    const result = await run(project, ['--param', 'deploy=yes']);
    expect(result.statuses, result.stderr).toEqual({
      ...{ 'setup/generate': 'success', continuation: 'success' },
      'continuation/main/hello': 'success',
    });
    expect(result.outputOf('continuation/main/hello')).toContain('loud=true deploy=true main hello\n');
    expect(await ci(project, ['logs', 'continuation/main/hello'])).toContain('loud=true deploy=true');
  });

  it('is linted and listed with the file that it will go on with', async () => {
    using project = temporaryProject({
      '.circleci/config.yml': setup('true', `{ configuration_path: .circleci/next.yml, parameters: '{"loud": true}' }`),
      '.circleci/next.yml': `${base}${main}\n`,
    });
    expect(await ci(project, ['lint'])).toBe('no problems in 1 file\n');
    expect(await ci(project, ['list'])).toMatch(/continuation\/main\/hello +main +on_success .* in /);
    expect(await ci(project, ['plan'])).toContain('goes on with .circleci/next.yml');
    expect(await ci(project, ['explain', 'continuation/main/hello'])).toContain(
      'main/hello (stage main): in the pipeline',
    );
    expect(await ci(project, ['explain', 'continuation'])).toContain(
      'what the pipeline goes on with: .circleci/next.yml',
    );
    project.write('.circleci/next.yml', `${base}${main.replace('hello', 'helo')}\n`);
    const linted = await ci(project, ['lint']);
    expect(linted).toMatch(/\.circleci\/next\.yml:\d+:\d+: error: there is no job `helo` \[circle\/unknown-job\]/);
    const result = await run(project);
    expect([result.exitCode, result.statuses]).toEqual([1, { 'setup/generate': 'success', continuation: 'failed' }]);
    expect(result.outputOf('continuation')).toMatch(/\.circleci\/next\.yml:\d+:\d+: error: there is no job `helo`/);
  });

  it('runs again what failed, with what the setup job left', async () => {
    using project = temporaryProject({
      '.circleci/config.yml': setup('echo once >> "$HOME_OF_TEST/count"', '{ configuration_path: next.yml }'),
      'next.yml': `version: 2.1
jobs:
  a: { machine: true, steps: [run: 'test -e "$HOME_OF_TEST/there"'] }
  b: { machine: true, steps: [run: echo b] }
workflows: { main: { jobs: [a, b] } }
`,
    });
    const vars = ['--var', `HOME_OF_TEST=${project.home}`];
    const first = await run(project, vars);
    expect(first.statuses).toMatchObject({ continuation: 'failed', 'continuation/main/a': 'failed' });
    writeFileSync(`${project.home}/there`, '');
    const again = await run(project, ['--failed', ...vars]);
    expect(again.statuses).toEqual({
      ...{ continuation: 'success', 'continuation/main/a': 'success', 'continuation/main/b': 'success' },
    });
    expect(readFileSync(`${project.home}/count`, 'utf8')).toBe('once\n');
  });

  it('refuses the name of a workflow that neither configuration has, and runs nothing of the second', async () => {
    using project = temporaryProject({
      '.circleci/config.yml': setup('true', '{ configuration_path: .circleci/next.yml }'),
      '.circleci/next.yml': `${base}${main}\n`,
    });
    const result = await run(project, ['--workflow', 'mian']);
    expect(result.exitCode, result.stderr).toBe(1);
    expect(result.statuses).toEqual({ 'setup/generate': 'success', continuation: 'failed' });
    expect(result.outputOf('continuation')).toContain('there is no workflow `mian`');
    expect(await ci(project, ['list', '--workflow', 'mian'])).toContain('did you mean `main`?');
  });

  it('refuses what the service refuses, and says where', async () => {
    const told = async (files: Readonly<Record<string, string>>, args: readonly string[] = []) => {
      using project = temporaryProject(files);
      const result = await run(project, args);
      return { status: result.statuses['continuation'], text: result.outputOf('continuation'), exit: result.exitCode };
    };
    const next = `${base}${main}\n`;
    const twice = await told(
      {
        '.circleci/config.yml': setup('true', `{ configuration_path: next.yml, parameters: '{"deploy": true}' }`),
        'next.yml': next,
      },
      ['--param', 'deploy=true'],
    );
    expect(twice.text).toMatch(
      /setup\/generate:continuation\/parameters\.json:1:2: error: the parameter `deploy` is given/,
    );
    expect([twice.status, twice.exit]).toEqual(['failed', 1]);
    const unknown = await told({
      '.circleci/config.yml': setup(
        `echo '{"nobody": 1}' > p.json`,
        '{ configuration_path: next.yml, parameters: p.json }',
      ),
      'next.yml': next,
    });
    expect(unknown.text).toContain('the pipeline has no parameter `nobody`');
    const bad = await told({
      '.circleci/config.yml': setup('true', '{ configuration_path: next.yml, parameters: nowhere.json }'),
      'next.yml': next,
    });
    expect(bad.text).toContain('the parameters must be a JSON object');
    const again = await told({
      '.circleci/config.yml': setup('true', '{ configuration_path: next.yml }'),
      'next.yml': `setup: true\n${next}`,
    });
    expect(again.text).toContain('can not be continued with another setup configuration');
  });

  it('is continued once, or not at all', async () => {
    const two = `version: 2.1
setup: true
orbs: { continuation: circleci/continuation@2 }
jobs:
  a: &job { machine: true, steps: [checkout, continuation/continue: { configuration_path: next.yml }] }
  b: *job
  c: { machine: true, steps: [continuation/finish] }
  d: { machine: true, steps: [checkout, run: exit 3, continuation/continue: { configuration_path: next.yml }] }
workflows:
  setup:
    jobs: [JOBS]
`;
    const files = (jobs: string) => ({
      '.circleci/config.yml': two.replace('JOBS', jobs),
      'next.yml': `${base}${main}\n`,
    });
    using both = temporaryProject(files('a, b: { requires: [a] }'));
    const result = await run(both);
    expect(result.exitCode).toBe(1);
    expect(result.statuses).toMatchObject({ 'continuation-a': 'success', 'continuation-b': 'failed' });
    expect(result.outputOf('continuation-b')).toContain('both setup/b and setup/a continue the pipeline');
    using finished = temporaryProject(files('c'));
    const end = await run(finished);
    expect([end.exitCode, end.statuses]).toEqual([0, { 'setup/c': 'success', continuation: 'skipped' }]);
    using failing = temporaryProject(files('d'));
    const failed = await run(failing);
    expect([failed.exitCode, failed.statuses]).toEqual([1, { 'setup/d': 'failed', continuation: 'skipped' }]);
    expect(failed.stdout).toContain('setup/d has not continued the pipeline');
  });

  it.skipIf(!engine)('goes on from a container', async () => {
    using project = temporaryProject({
      '.circleci/config.yml': setup(
        'mkdir -p /tmp/gen && cp .circleci/next /tmp/gen/next.yml && echo \'{"loud": true}\' > /tmp/gen/p.json',
        '{ configuration_path: /tmp/gen/next.yml, parameters: /tmp/gen/p.json }',
        "docker: [{ image: 'ci-test/busybox:latest' }]",
      ),
      '.circleci/next': `${base.replace('machine: true', "docker: [{ image: 'ci-test/busybox:latest' }]")}${main}\n`,
    });
    const result = await run(project);
    expect(result.statuses, result.stderr + result.outputOf('setup/generate')).toEqual({
      ...{ 'setup/generate': 'success', continuation: 'success' },
      'continuation/main/hello': 'success',
    });
    expect(result.outputOf('continuation/main/hello')).toContain('loud=true deploy=false main hello\n');
  });
});

describe('path filters', () => {
  const next = `version: 2.1
parameters:
  code: { type: boolean, default: false }
  docs: { type: boolean, default: false }
  word: { type: string, default: none }
jobs:
  say:
    parameters: { what: { type: string } }
    machine: true
    steps: [run: 'echo "<< parameters.what >>, << pipeline.parameters.word >>"']
workflows:
  code: { when: << pipeline.parameters.code >>, jobs: [say: { what: code }] }
  docs: { when: << pipeline.parameters.docs >>, jobs: [say: { what: docs }] }
`;
  const config = (mapping: string, more = ''): string => `version: 2.1
setup: true
orbs: { path-filtering: circleci/path-filtering@1.3.0 }
workflows:
  changes:
    jobs:
      - path-filtering/filter:
          name: look
          config-path: .circleci/next.yml
          tag: '3.12'
          ${more}
          mapping: |
            ${mapping.split('\n').join('\n            ')}
`;

  it('set parameters by the files that changed, committed or not', async () => {
    using project = temporaryProject({
      '.circleci/config.yml': config(
        '# what is built\nsrc/.* code true\ndocs/.* docs true\n(?!src/).*\\.txt word "a-b"',
        'exclude: src/generated/.*',
      ),
      '.circleci/next.yml': next,
      'src/generated/x.c': '1',
    });
    project.git('checkout', '-qb', 'feature');
    project.write('src/generated/x.c', '2');
    const none = await run(project, ['-e', 'shell']);
    expect([none.exitCode, none.statuses]).toEqual([0, { 'changes/look': 'success', continuation: 'skipped' }]);
    project.write('src/a.c', 'a');
    project.git('add', '.');
    project.git('commit', '-qm', 'a');
    project.write('odd.txt', 'not committed');
    const result = await run(project, ['-e', 'shell']);
    expect(result.outputOf('changes/look')).toContain('{"code":true,"word":"a-b"}\n');
    expect(result.statuses).toEqual({
      ...{ 'changes/look': 'success', continuation: 'success' },
      'continuation/code/say': 'success',
    });
    expect(result.outputOf('continuation/code/say')).toContain('code, a-b\n');
  });

  it('put together the configurations that the mapping names', async () => {
    using project = temporaryProject({
      '.circleci/config.yml': config(
        'src/.* code true shared.yml\nsrc/.* code true code.yml\ndocs/.* docs true docs.yml',
      ),
      'shared.yml': 'version: 2.1\nparameters:\n  code: { type: boolean, default: false }\n',
      'code.yml': 'jobs: { c: { machine: true, steps: [run: echo c] } }\nworkflows: { code: { jobs: [c] } }\n',
      'docs.yml': 'jobs: { d: { machine: true, steps: [run: echo d] } }\nworkflows: { docs: { jobs: [d] } }\n',
      'src/a.c': 'a',
    });
    project.write('src/a.c', 'b');
    const result = await run(project, ['-e', 'shell']);
    expect(result.statuses, result.outputOf('changes/look') + result.outputOf('continuation')).toEqual({
      ...{ 'changes/look': 'success', continuation: 'success' },
      'continuation/code/c': 'success',
    });
  });
});

const real = (name: string): string =>
  fileURLToPath(new URL(`../../../shared/corpus/circle-real/CircleCI-Public+node-orb${name}.yml`, import.meta.url));

it.skipIf(!existsSync(real('')))(
  "CircleCI's own orb of Node is packed, put into the second configuration and tested",
  async () => {
    const texts = (names: string): string =>
      names
        .split(' ')
        .map((name) => `${name}: { type: string, default: '' }`)
        .join(', ');
    const command = (parameters: string): string => `{ parameters: { ${parameters} }, steps: [run: echo installed] }`;
    const orb = `version: 2.1
executors:
  default: { parameters: { resource_class: { type: string, default: medium } }, machine: true }
  machine: { machine: true }
commands:
  install: ${command(`${texts('node-version yarn-version pnpm-version nvm-cache-key')}, install-yarn: &flag { type: boolean, default: false }, install-pnpm: *flag`)}
  install-bun: ${command(texts('version'))}
  install-pnpm: ${command(texts('version'))}
  install-yarn: { steps: [run: echo yarn] }
  install-packages: ${command(texts('override-ci-command cache-path cache-version app-dir pkg-manager'))}
jobs:
  test:
    parameters:
      ${texts('app-dir cache-path cache-version run-command test-results-for test-results-path test-coverage-path').replaceAll('}, ', '}\n      ')}
      pkg-manager: { type: string, default: npm }
      parallelism: { type: integer, default: 1 }
      executor: { type: executor, default: default }
      setup: { type: steps, default: [] }
      post_install_steps: { type: steps, default: [] }
    executor: << parameters.executor >>
    parallelism: << parameters.parallelism >>
    steps: [steps: << parameters.post_install_steps >>, run: 'echo tested with << parameters.pkg-manager >>']
  run:
    parameters: { ${texts('app-dir cache-path cache-version pkg-manager npm-run yarn-run pnpm-run bun-run artifacts-path')}, setup: { type: steps, default: [] } }
    machine: true
    steps: [run: echo ran]
`;
    const job = (more: string): string => `{ machine: true, steps: [checkout${more}] }`;
    using project = temporaryProject({
      '.circleci/config.yml': readFileSync(real(''), 'utf8'),
      '.circleci/test-deploy.yml': readFileSync(real('__test-deploy'), 'utf8'),
      '.circleci/orbs/orb-tools.yml': `version: 2.1
jobs:
  lint: ${job(', run: echo linted')}
  review: { parameters: { exclude: { type: string } }, machine: true, steps: [checkout] }
  pack:
    machine: true
    steps: [checkout, run: 'mkdir dist; cp src/orb dist/orb.yml', persist_to_workspace: { root: dist, paths: [orb.yml] }]
  publish:
    parameters: { orb_name: { type: string }, vcs_type: { type: string }, pub_type: { type: string }, github_token: { type: env_var_name } }
    machine: true
    steps: [run: exit 1]
  continue: { machine: true, steps: [run: echo this calls the service; exit 1] }
`,
      '.circleci/orbs/shellcheck.yml': `version: 2.1\njobs: { check: ${job('')} }\n`,
      'src/orb': orb,
    });
    expect(await ci(project, ['lint'])).toContain('`node/test` is of the orb `node`');
    const tested = ['node-bun-jest-test-job', 'node-test-no-junit-new-features', 'integration-test-override-yarn'];
    const wanted = tested.map((name) => `continuation/test-deploy/${name}`);
    const result = await run(project, ['--offline', '-e', 'shell', ...wanted]);
    expect(result.exitCode, result.outputOf('continuation')).toBe(0);
    expect(result.statuses).toMatchObject({ 'lint-pack/orb-tools/continue': 'success', continuation: 'success' });
    expect(result.outputOf(wanted[0]!)).toContain('tested with bun\n');
    expect(result.statuses[`${wanted[1]} 4/4`]).toBe('success');
  },
  60_000,
);
