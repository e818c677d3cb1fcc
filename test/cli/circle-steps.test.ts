import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testEngine } from '../executors/support/engine.ts';
import { readEvents, runCi } from '../support/run-ci.ts';
import { type TemporaryProject, temporaryProject } from '../support/temporary-project.ts';

const engine = await testEngine();
const file = '.circleci/config.yml';
const place = 'docker: [{ image: ci-test/debian }]';

const steps = `
version: 2.1
jobs:
  background:
    ${place}
    steps:
      - run: { name: server, background: true, command: "echo serves; echo $$ > pid; sleep 1000 & echo $! > child; wait" }
      - run: { name: fails, background: true, command: "echo gave up; exit 3" }
      - run: "while [ ! -s child ]; do sleep 0.05; done; kill -0 $(cat child) && cp pid child $SHARED/ && echo goes on"
  silent:
    ${place}
    steps:
      - run: { command: "echo begins; sleep 1000", no_output_timeout: 1s }
      - run: echo never
      - run: { command: echo on fail, when: on_fail }
      - run: { command: echo always, when: always }
  fails:
    ${place}
    steps:
      - run: mkdir -p out reports; echo a > out/a; echo '<testsuite><testcase name="t"/></testsuite>' > reports/r.xml
      - run: { command: echo on fail too early, when: on_fail }
      - run: exit 2
      - run: echo never
      - save_cache: { key: never, paths: [out] }
      - persist_to_workspace: { root: ., paths: [out] }
      - store_artifacts: { path: out, destination: kept }
      - store_artifacts: { path: out/a }
      - store_test_results: { path: reports }
      - store_artifacts: { path: out, destination: never, when: on_success }
  reruns:
    ${place}
    steps:
      - run: { command: "echo x >> tries; [ $(wc -l < tries) -eq 3 ]", max_auto_reruns: 3, auto_rerun_delay: 1s }
      - run: echo tried $(wc -l < tries) times
  shells:
    ${place}
    environment: { HERE: job }
    shell: /bin/sh
    steps:
      - run: echo "sh $-"
      - run: { shell: /bin/bash -eo pipefail -c, command: "set -o | grep -E '^(errexit|pipefail)' | tr -s '\\\\t ' =" }
      - run: { shell: bash --login, command: "shopt -q login_shell && echo login" }
      - run: { shell: tac, command: "two\\none" }
      - run: { shell: bash, command: "echo 'export CARRIED=on; SEEN=x$SEEN' >> $BASH_ENV" }
      - run: { shell: bash, command: "echo $CARRIED $SEEN $HERE" }
      - run: { command: "echo step $HERE", environment: { HERE: step } }
  lenient:
    ${place}
    steps:
      - restore_cache: { keys: ['v-{{ checksum "missing" }}', v-] }
      - save_cache: { key: 'v-{{ checksum "missing" }}', paths: [.] }
      - store_test_results: { path: $REPORTS }
      - store_artifacts: { path: nothing }
      - run: echo went on
  empty:
    ${place}
    steps:
      - persist_to_workspace: { root: ., paths: [a, b] }
workflows:
  w:
    jobs: [background, silent, fails, reruns, shells, lenient, empty]
`;

const workspaces = `
version: 2.1
jobs:
  make:
    parameters: { what: { type: string }, paths: { type: string, default: "*" } }
    ${place}
    steps:
      - run: mkdir -p ws/sub ws/{b}; for f in << parameters.what >>; do echo $CIRCLE_JOB > ws/$f; done
      - persist_to_workspace: { root: ws, paths: [<< parameters.paths >>] }
  show:
    ${place}
    steps:
      - attach_workspace: { at: $given }
      - run: cd '$given' && grep -r . . | LC_ALL=C sort
  flaky:
    ${place}
    steps:
      - attach_workspace: { at: got }
      - run: cat got/x; test -e $SHARED/mended
workflows:
  w:
    jobs:
      - make: { name: first, what: "x sub/y .z" }
      - make: { name: second, what: "x", requires: [first] }
      - make: { name: beside, what: "x other" }
      - make: { name: glob, what: "{b}/deep a.txt", paths: "{b}/*" }
      - show: { name: ordered, requires: [second] }
      - show: { name: globbed, requires: [glob] }
      - show: { name: clash, requires: [second, beside] }
      - flaky: { requires: [first] }
`;

interface Ended {
  readonly status: string;
}

async function run(project: TemporaryProject, ...args: readonly string[]) {
  const result = await runCi(['run', '--reporter', 'json', ...args], { cwd: project.root, home: project.home });
  const events = readEvents(result.stdout);
  const jobs = events.find(({ type }) => type === 'pipeline-finished')?.['jobs'] as Record<string, Ended> | undefined;
  expect(jobs, result.stdout + result.stderr).toBeDefined();
  const log = (name: string): string =>
    events
      .filter((event) => event.type === 'job-output' && event['job'] === name)
      .map((event) => event['text'])
      .join('')
      .replaceAll(/\x1b\[[0-9;]*[mK]/g, '');
  return {
    ...result,
    log,
    job: (name: string): Ended => jobs![name]!,
    why: (name: string): string | undefined => /^ERROR: Job failed: (.*)$/m.exec(log(name))?.[1],
  };
}

const isGone = (pid: string): boolean => !existsSync(`/proc/${pid}`);

describe.each(['shell', 'docker'] as const)("CircleCI's steps in %s", (executor) => {
  const isOut = executor === 'docker' && engine === undefined;
  const shared = (project: TemporaryProject): string => (executor === 'shell' ? project.home : '/tmp');

  it.skipIf(isOut)('do what they do there', async () => {
    using project = temporaryProject({ [file]: steps });
    const { job, log, why, exitCode } = await run(project, '-e', executor, '--var', `SHARED=${shared(project)}`);
    expect(exitCode).toBe(1);

    expect(job('w/background').status).toBe('success');
    for (const text of ['serves', 'gave up', 'goes on']) expect(log('w/background')).toContain(text);
    for (const name of executor === 'shell' ? ['pid', 'child'] : []) {
      expect(isGone(readFileSync(join(project.home, name), 'utf8').trim())).toBe(true);
    }

    expect(why('w/silent')).toBe('too long with no output (exceeded 1s) in "echo begins; sleep 1000"');
    expect(log('w/silent')).toMatch(/begins.*on fail.*always/s);
    expect(log('w/silent')).not.toContain('never');

    expect(why('w/fails')).toBe('exit code 2 in "exit 2"');
    expect(log('w/fails')).not.toMatch(/too early|never|Persisted|Creating cache/);
    const listed = await runCi(['artifacts', 'w/fails'], { cwd: project.root, home: project.home });
    const kept = [...listed.stdout.matchAll(/\d+ {2}(\/.*)$/gm)].map(([, path]) => path!);
    expect(kept.flatMap((path) => readdirSync(path, { recursive: true, encoding: 'utf8' })).sort()).toEqual(
      ['kept', 'kept/a', 'out', 'out/a', 'reports', 'reports/r.xml'].sort(),
    );

    expect(job('w/reruns').status, log('w/reruns')).toBe('success');
    expect(log('w/reruns')).toContain('exit code 1: the step is run again in 1s (rerun 2 of 3)');
    expect(log('w/reruns')).toContain('tried 3 times');

    expect(job('w/shells').status, log('w/shells')).toBe('success');
    expect(log('w/shells')).not.toMatch(/sh \w*e/);
    for (const text of ['errexit=on', 'pipefail=on', 'login\n', 'one\n', 'on x job', 'step step']) {
      expect(log('w/shells')).toContain(text);
    }

    expect(job('w/lenient').status, log('w/lenient')).toBe('success');
    expect(log('w/lenient')).toMatch(/can't be made: there is no file \/.*\/missing/);
    expect(log('w/lenient')).toMatch(/\/\$REPORTS: no such file or directory/);
    expect(log('w/lenient')).toContain('went on');

    expect(why('w/empty')).toMatch(/^nothing to persist: a, b match no files in \/.*\/project$/);
  });

  it.skipIf(isOut)('hand workspaces on, also to jobs that are run again', async () => {
    using project = temporaryProject({ [file]: workspaces });
    const args = ['-e', executor, '--var', `SHARED=${shared(project)}`];
    const { job, log, why } = await run(project, ...args);
    expect(log('w/ordered')).toContain('./.z:first\n./sub/y:first\n./x:second\n');
    expect(log('w/globbed')).toContain('./{b}/deep:glob\n');
    expect(log('w/globbed')).not.toContain('a.txt');
    expect(why('w/clash')).toMatch(/^concurrent jobs w\/\w+ and w\/\w+ both persisted x$/);
    expect(job('w/flaky').status).toBe('failed');
    if (executor === 'docker') return;
    project.write('../home/mended', '');
    const again = await run(project, ...args, '--failed');
    expect(again.job('w/first')).toBeUndefined();
    expect(again.log('w/flaky')).toContain('first');
    expect(again.job('w/flaky').status).toBe('success');
    expect(again.why('w/clash')).toMatch(/both persisted x/);
    const from = await run(project, ...args, '--from', 'w/flaky');
    expect(from.job('w/flaky').status).toBe('success');
  });
});
