import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { derivedImage } from '../executors/support/derived-image.ts';
import { labelled, testEngine } from '../executors/support/engine.ts';
import { type CiResult, readEvents, runCi } from '../support/run-ci.ts';
import { type TemporaryProject, temporaryProject } from '../support/temporary-project.ts';

const engine = await testEngine();
const application = fileURLToPath(new URL('../../fixtures/circle-app', import.meta.url));

/** Each run of the whole project is some fourteen containers. */
const timeout = 120_000;
const builds = ['en-plain', 'en-loud', 'de-plain', 'de-loud', 'fr-plain'].map((name) => `main/build-${name}`);
const tests = ['unit/english', 'unit/french', 'unit/german', 'unit/loud', 'whole/all', 'whole/unknown'];

function project(): TemporaryProject {
  const made = temporaryProject({ copyOf: application });
  made.write('../home/config/config.toml', '[contexts.publishing]\nPUBLISH_TOKEN = "token-of-publishing"\n');
  return made;
}

const ci = (at: TemporaryProject, ...args: string[]): Promise<CiResult> => runCi(args, { cwd: at.root, home: at.home });

const ofType = (run: CiResult, type: string) => readEvents(run.stdout).filter((event) => event.type === type);

/** Status of each job, or its reason. */
function results(run: CiResult): Record<string, unknown> {
  const jobs = ofType(run, 'pipeline-finished')[0]?.['jobs'] as Record<string, { status: string }>;
  return Object.fromEntries(Object.entries(jobs).map(([id, { status }]) => [id, status]));
}

const outputOf = (run: CiResult, job: string): string =>
  ofType(run, 'job-output')
    .filter((event) => event.job === job)
    .map((event) => event['text'])
    .join('');

/** Tests that each node ran, as the test runner told. */
const parts = (run: CiResult): readonly (readonly string[])[] =>
  [1, 2].map((node) =>
    [...outputOf(run, `main/test ${node}/2`).matchAll(/^ran test\/(.*)_test\.sh$/gm)].map(([, name]) => name!).sort(),
  );

const successes = (...jobs: string[]) => Object.fromEntries(jobs.map((job) => [job, 'success']));
const built = successes('main/prepare', ...builds, 'main/test 1/2', 'main/test 2/2', 'main/serve', 'main/bundle');

/** Files below a folder with their content. */
function filesOf(root: string): Record<string, string> {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path.slice(root.length + 1), readFileSync(path, 'utf8')];
    }),
  );
}

/** Positions of a job's start and end among all events. */
function span(run: CiResult, job: string): { readonly start: number; readonly end: number } {
  const events = readEvents(run.stdout);
  const at = (type: string): number => events.findIndex((event) => event.type === type && event.job === job);
  return { start: at('job-started'), end: at('job-finished') };
}

describe.each(['shell', 'docker'] as const)('a real project of CircleCI in %s', (executor) => {
  const inDocker = executor === 'docker';

  it.skipIf(inDocker && engine === undefined)(
    'runs its whole workflow, twice',
    async () => {
      using at = project();
      await using image = inDocker ? await derivedImage(engine!, ['USER app'], {}, 'ci-test/debian') : undefined;
      const where = image === undefined ? ['--param', 'services=false'] : ['--param', `image=${image.name}`];
      const run = (...args: string[]) =>
        ci(at, 'run', '--reporter', 'json', '-e', executor, ...where, '--artifacts-dir', '../kept', ...args);

      const first = await run('--param', 'strict-links=true');
      expect(first.exitCode, first.stdout + first.stderr).toBe(1);
      expect(results(first)).toEqual({
        ...built,
        ...successes('main/tell'),
        'main/links': 'failed',
        'main/hold': 'manual',
        'main/publish': 'skipped',
      });
      expect(outputOf(first, 'main/prepare')).toContain('installing phrases');
      expect(outputOf(first, 'main/prepare')).toContain('the mirror was tried 2 times');
      expect(outputOf(first, 'main/links')).toContain('links are broken:\nreadme.txt: docs/greetings.txt is missing\n');
      expect(outputOf(first, 'main/links')).not.toContain('all links are fine');
      expect(outputOf(first, 'main/build-de-loud')).toMatch(/^GUTEN TAG!$(.|\n)*^greeted by build-de-loud$/m);
      expect(outputOf(first, 'main/serve')).toContain('served 5 greetings');
      if (inDocker) expect(outputOf(first, 'main/serve')).toContain('title: from the service');
      expect(parts(first)).toEqual([
        ['unit/english', 'unit/german', 'whole/all'],
        ['unit/french', 'unit/loud', 'whole/unknown'],
      ]);
      for (const job of builds) {
        expect(span(first, job).start).toBeGreaterThan(span(first, 'main/prepare').end);
        expect(span(first, job).end).toBeLessThan(span(first, 'main/serve').start);
      }
      const kept = filesOf(join(at.root, '../kept'));
      expect(Object.keys(kept).sort()).toEqual([
        'main-bundle/stored/bundle.txt',
        'main-links/stored/links.log',
        'main-test 1-2/junit/results/junit.xml',
        'main-test 1-2/stored/tests/junit.xml',
        'main-test 2-2/junit/results/junit.xml',
        'main-test 2-2/stored/tests/junit.xml',
      ]);
      expect(kept['main-links/stored/links.log']).toBe('readme.txt: docs/greetings.txt is missing\n');
      expect(kept['main-bundle/stored/bundle.txt']).toBe('GUTEN TAG!\nguten Tag\nHELLO!\nhello\nbonjour\n');

      const second = await run('--manual', 'main/hold');
      expect(second.exitCode, second.stdout + second.stderr).toBe(0);
      expect(results(second)).toEqual({
        ...built,
        ...successes('main/links', 'main/hold', 'main/publish'),
        'main/tell': 'skipped',
      });
      expect(outputOf(second, 'main/prepare')).toContain('phrases came from the cache');
      expect(outputOf(second, 'main/links')).toContain('all links are fine');
      expect(parts(second)).toEqual([['whole/all'], tests.filter((test) => test !== 'whole/all')]);
      expect(outputOf(second, 'main/publish')).toContain('publishing with [MASKED]: GUTEN TAG!');
      expect(second.stdout).not.toContain('token-of-publishing');

      expect(at.git('status', '--porcelain', '--ignored')).toBe('');
      for (const result of [first, second])
        if (engine !== undefined) expect(await labelled(engine.api, result)).toEqual([]);
    },
    timeout,
  );
});

const reads = `
version: 2.1
jobs:
  build: { machine: true, parameters: { os: { type: string, default: linux } }, steps: [run: 'true'] }
  check: { machine: true, steps: [run: 'true'] }
workflows:
  main:
    jobs:
      - build: { name: 'build-<< matrix.os >>', matrix: { parameters: { os: [linux, bsd] } } }
      - check
      - only-here: { type: approval }
  tagged:
    jobs: [check: { filters: { branches: { ignore: /.*/ }, tags: { only: /.*/ } } }]
  other:
    jobs: [build]
`;

describe('jobs of workflows', () => {
  it('are named without their workflow, by their matrix, or told apart', async () => {
    using at = temporaryProject({ '.circleci/config.yml': reads });
    const planned = async (...args: string[]): Promise<readonly string[]> => {
      const { stdout, stderr, exitCode } = await ci(at, 'plan', '--format', 'json', ...args);
      expect(exitCode, stderr).toBe(0);
      return (JSON.parse(stdout) as { jobs: { id: string }[] }).jobs.map(({ id }) => id);
    };
    expect(await planned('build-bsd')).toEqual(['main/build-bsd']);
    expect(await planned('main/build')).toEqual(['main/build-linux', 'main/build-bsd']);
    expect(await planned('check')).toEqual(['main/check']);
    expect(await planned('build-*', '--manual', 'only-here')).toEqual(['main/build-linux', 'main/build-bsd']);
    expect(await planned('build', '--workflow', 'other')).toEqual(['other/build']);
    const unclear = await ci(at, 'plan', 'build');
    expect(unclear).toMatchObject({ exitCode: 2, stdout: '' });
    expect(unclear.stderr).toContain('`build` may mean several jobs');
    expect(unclear.stderr).toContain('say which: main/build-linux, main/build-bsd, other/build');
    expect((await ci(at, 'plan', 'chekc')).stderr).toContain('nearest: check');
    expect((await ci(at, 'explain', 'only-here')).stdout).toContain('main/only-here (stage main)');
    expect((await ci(at, 'explain', 'main/build')).stderr).toContain(
      'name one of them: main/build-linux, main/build-bsd',
    );
    expect((await ci(at, 'run', '-q', '-e', 'shell', 'check')).exitCode).toBe(0);
    expect((await ci(at, 'logs', 'check')).stdout).toContain('Job succeeded');
  });

  it('wait for an approval that nobody has given, also with --failed', async () => {
    using at = temporaryProject({
      '.circleci/config.yml': `
version: 2.1
jobs:
  bad: { machine: true, steps: [run: 'test -n "$FIXED"'] }
  publish: { machine: true, steps: [run: 'echo published'] }
workflows:
  w: { jobs: [bad, { hold: { type: approval } }, { publish: { requires: [hold] } }] }
`,
    });
    const run = (...args: string[]) => ci(at, 'run', '-e', 'shell', '--reporter', 'json', ...args);
    await run();
    const again = await run('--failed', '--var', 'FIXED=yes');
    expect(results(again)).toEqual({ 'w/bad': 'success', 'w/hold': 'manual', 'w/publish': 'skipped' });
    const opened = await run('--failed', '--manual', 'hold');
    expect(results(opened)).toEqual({ 'w/hold': 'success', 'w/publish': 'success' });
  });
});
