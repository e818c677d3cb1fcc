import { describe, expect, it } from 'vitest';
import { testEngine } from '../executors/support/engine.ts';
import { readEvents, runCi } from '../support/run-ci.ts';
import { temporaryProject } from '../support/temporary-project.ts';

const engine = await testEngine();

const names = ['a', 'b', 'c', 'd', 'e', 'f'];
/** Seconds that each test says it takes. */
const times = { a: 10, b: 2, c: 2, d: 2, e: 2, f: 2 };

const config = `
version: 2.1
jobs:
  test:
    docker: [{ image: 'ci-test/busybox:latest' }]
    parallelism: 2
    steps:
      - checkout
      - run: |
          circleci tests glob "spec/**/*_spec.rb" | circleci tests split --split-by=timings > mine.txt
          circleci tests glob "spec/**/*_spec.rb" | circleci tests run --split-by=timings --command="xargs echo RUN" -v
      - run: |
          mkdir results
          { echo '<testsuite>'
            while read -r file; do
              case $file in *a_spec*) time=10 ;; *) time=2 ;; esac
              echo "<testcase name='t' file='$PWD/$file' time='$time'/>"
            done <mine.txt
            echo '</testsuite>'; } >results/junit.xml
          [ "$FAIL" != "$CIRCLE_NODE_INDEX" ]
      - store_test_results: { path: results }
  places:
    docker: [{ image: 'ci-test/busybox:latest' }]
    steps:
      - run: |
          PATH=/bin:/usr/bin:$PATH circleci env subst 'prefixed \${CIRCLE_JOB}'; echo
          export PATH=$HOME/bin:$PATH; echo later | xargs circleci-agent env subst; echo
      - run:
          shell: /bin/sh -l
          command: circleci env subst "login"; echo
      - run:
          environment: { PATH: '/bin:/usr/bin:/usr/local/bin' }
          command: circleci env subst "own PATH"; echo
  halted:
    docker: [{ image: 'ci-test/busybox:latest' }]
    steps:
      - checkout
      - run:
          name: look whether there is something to do
          command: |
            circleci-agent step halt
            echo to the end of the step
      - run: echo NEVER; exit 1
      - run: { command: echo NEVER, when: always }
      - store_artifacts: { path: spec }
workflows:
  main:
    jobs: [test, places, halted]
`;

function project() {
  const files = Object.fromEntries(names.map((name) => [`spec/${name}_spec.rb`, '']));
  return temporaryProject({ ...files, '.circleci/config.yml': config });
}

const outputOf = (stdout: string, job: string): string =>
  readEvents(stdout)
    .filter((event) => event.type === 'job-output' && event.job === job && event['stream'] !== 'system')
    .map((event) => event['text'])
    .join('');

/** The tests of each node, as `tests run` gave them to its command. */
function parts(stdout: string): readonly (readonly string[])[] {
  return [1, 2].map((node) => {
    const line = /^RUN (.*)$/m.exec(outputOf(stdout, `main/test ${node}/2`))?.[1] ?? '';
    return line.split(' ').map((path) => /(\w)_spec/.exec(path)?.[1] ?? path);
  });
}

describe.each(['shell', 'docker'] as const)('the program circleci in %s', (executor) => {
  const options = { skip: executor === 'docker' && engine === undefined };

  it('splits tests by the times of the run before, and by the same while a run is mended', options, async () => {
    using files = project();
    const run = (...args: string[]) =>
      runCi(['run', '--reporter', 'json', '-e', executor, ...args], { cwd: files.root, home: files.home });
    const first = await run('main/test');
    expect(first.exitCode, first.stdout + first.stderr).toBe(0);
    expect(parts(first.stdout)).toEqual([
      ['a', 'c', 'e'],
      ['b', 'd', 'f'],
    ]);
    expect(outputOf(first.stdout, 'main/test 1/2')).toContain('no timings are known yet');
    const second = await run('main/test', '--var', 'FAIL=1');
    expect(second.exitCode).toBe(1);
    expect(parts(second.stdout)).toEqual([['a'], ['b', 'c', 'd', 'e', 'f']]);
    const loads = parts(second.stdout).map((part) => part.reduce((sum, name) => sum + times[name as 'a'], 0));
    expect(loads).toEqual([10, 10]);
    const mended = await run('--failed');
    expect(mended.exitCode, mended.stdout + mended.stderr).toBe(0);
    expect(parts(mended.stdout)[1]).toEqual(['b', 'c', 'd', 'e', 'f']);
    expect(files.git('status', '--porcelain', '--ignored')).toBe('');
  });

  it('is found whatever a script does to PATH, and halts its job', options, async () => {
    using files = project();
    const args = ['run', '--reporter', 'json', '-e', executor, 'main/places', 'main/halted'];
    const ran = await runCi(args, { cwd: files.root, home: files.home });
    expect(ran.exitCode, ran.stdout + ran.stderr).toBe(0);
    expect(outputOf(ran.stdout, 'main/places')).toBe('prefixed places\nlater\nlogin\nown PATH\n');
    expect(outputOf(ran.stdout, 'main/halted')).toBe('to the end of the step\n');
    const ended = readEvents(ran.stdout).find(({ type, job }) => type === 'job-finished' && job === 'main/halted');
    expect(ended).toMatchObject({
      status: 'success',
      haltedBy: 'look whether there is something to do',
      artifacts: [],
    });
    const told = await runCi(['run', '-e', executor, 'main/halted'], { cwd: files.root, home: files.home });
    expect(told.stdout).toContain('halted by "look whether there is something to do"');
  });
});
