import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { labelled, testEngine } from '../executors/support/engine.ts';
import { type CiOptions, plainEnvironment, readEvents, runCi } from '../support/run-ci.ts';
import { type TemporaryProject, temporaryProject } from '../support/temporary-project.ts';

const engine = await testEngine();

async function run(project: TemporaryProject, args: readonly string[] = [], options: Partial<CiOptions> = {}) {
  const given = { cwd: project.root, home: project.home, ...options };
  const result = await runCi(['run', '--reporter', 'json', ...args], given);
  const events = readEvents(result.stdout);
  const jobs = (events.find((event) => event.type === 'pipeline-finished')?.['jobs'] ?? {}) as Record<
    string,
    { readonly status: string; readonly failureReason?: string }
  >;
  const outputOf = (job: string): string =>
    events.flatMap((event) => (event.type === 'job-output' && event.job === job ? [event['text']] : [])).join('');
  const statuses = Object.fromEntries(Object.entries(jobs).map(([id, { status }]) => [id, status]));
  return { ...result, events, jobs, statuses, outputOf };
}

const withFiles = (files: Readonly<Record<string, string>>): TemporaryProject => temporaryProject(files);

describe('child pipelines', () => {
  it('get variables, dotenv and a context of their own', async () => {
    using project = withFiles({
      '.gitlab-ci.yml': `
variables: { GLOBAL: g }
version:
  stage: build
  script: ['echo VERSION=1.2 > v.env']
  artifacts: { reports: { dotenv: v.env } }
child:
  variables: { TAG: 'v$VERSION-$GLOBAL', PARENT: $CI_PIPELINE_ID }
  trigger: { include: ci/child.yml, strategy: depend }
bare:
  variables: { TAG: mine }
  trigger: { include: ci/child.yml, forward: { yaml_variables: false, pipeline_variables: true } }
`,
      'ci/child.yml': `
variables: { TAG: of the child }
show:
  rules: [{ if: $CI_PIPELINE_SOURCE == "parent_pipeline" }]
  script: ['echo "$TAG|$GLOBAL|$HAND|$CI_PIPELINE_SOURCE|$CI_COMMIT_BRANCH"', 'echo "$PARENT $CI_UPSTREAM_PIPELINE_ID $CI_PIPELINE_ID"']
`,
    });
    const result = await run(project, ['--var', 'HAND=by hand']);
    expect(result.exitCode, result.stderr).toBe(0);
    expect(result.outputOf('child/show')).toContain('v1.2-g|g||parent_pipeline|main\n');
    expect(result.outputOf('child/show')).toMatch(/\n1 1 100[12]\n/);
    expect(result.outputOf('bare/show')).toContain('of the child||by hand|parent_pipeline|main\n');
    const logs = await runCi(['logs', 'child/show'], { cwd: project.root, home: project.home });
    expect(logs.stdout).toContain('v1.2-g|g');
    const whole = await runCi(['logs', 'child'], { cwd: project.root, home: project.home });
    expect(whole.stdout).toContain('==> child/show <==');
  });

  it('are made of what a job leaves, and of several files with inputs', async () => {
    using project = withFiles({
      '.gitlab-ci.yml': `
generate:
  stage: build
  script: ['mkdir out', 'printf "made: { script: echo made \\$WORD }\\n" > out/made.yml']
  artifacts: { paths: [out] }
child:
  variables: { WORD: at run time }
  trigger:
    include:
      - { artifact: out/made.yml, job: generate }
      - { local: fixed.yml, inputs: { word: given } }
    strategy: depend
`,
      'fixed.yml': `
spec: { inputs: { word: { default: none } } }
---
fixed: { script: ['echo fixed $[[ inputs.word ]]'] }
`,
    });
    const result = await run(project);
    expect(result.statuses).toEqual({
      ...{ generate: 'success', child: 'success' },
      ...{ 'child/made': 'success', 'child/fixed': 'success' },
    });
    expect(result.outputOf('child/made')).toContain('made at run time\n');
    expect(result.outputOf('child/fixed')).toContain('fixed given\n');
  });

  it('that fail: 0 without a strategy, with a warning; 1 where the job waits', async () => {
    using project = withFiles({
      '.gitlab-ci.yml': `
loose: { trigger: { include: child.yml } }
strict:
  rules: [{ if: $STRICT }]
  trigger: { include: child.yml, strategy: depend }
after: { stage: deploy, script: ['true'] }
`,
      'child.yml': "bad: { script: ['exit 3'] }\nfine: { script: ['true'] }\n",
    });
    const loose = await run(project);
    expect(loose.exitCode).toBe(0);
    expect(loose.statuses).toEqual({
      ...{ loose: 'success', after: 'success' },
      ...{ 'loose/bad': 'failed', 'loose/fine': 'success' },
    });
    expect(loose.events).toContainEqual(
      expect.objectContaining({ type: 'warning', job: 'loose', message: expect.stringContaining('loose/bad') }),
    );
    const strict = await run(project, ['--var', 'STRICT=1']);
    expect(strict.exitCode).toBe(1);
    expect(strict.jobs['strict']).toMatchObject({ status: 'failed', failureReason: 'downstream_pipeline_failure' });
    expect(strict.statuses['after']).toBe('skipped');
  });

  it('that can not be made tell why, at the true place, and the run goes on', async () => {
    using project = withFiles({
      '.gitlab-ci.yml': `
broken: { trigger: { include: broken.yml } }
empty: { trigger: { include: empty.yml } }
gated: { trigger: { include: gated.yml } }
missing: { trigger: { include: missing.yml } }
other: { script: ['true'] }
`,
      'broken.yml': 'job:\n  script: echo\n  stag: test\n',
      'empty.yml': 'job: { script: echo, rules: [{ if: $NOBODY }] }\n',
      'gated.yml': 'workflow: { rules: [{ if: $NOBODY }] }\njob: { script: echo }\n',
    });
    const result = await run(project);
    expect(result.exitCode).toBe(1);
    expect(result.statuses['other']).toBe('success');
    for (const job of ['broken', 'empty', 'gated', 'missing']) {
      expect(result.jobs[job]).toMatchObject({ failureReason: 'downstream_pipeline_creation_failed' });
    }
    expect(result.outputOf('broken')).toContain('broken.yml:3:3: error');
    const logs = await runCi(['logs', 'missing'], { cwd: project.root, home: project.home });
    expect(logs.stdout).toMatch(/\.gitlab-ci\.yml:5:\d+: error: the included file `missing\.yml` does not exist/);
  });

  it('lie in each other two deep, and are chosen by name', async () => {
    using project = withFiles({
      '.gitlab-ci.yml': 'a: { script: [echo] }\nchild: { trigger: { include: one.yml, strategy: depend } }\n',
      'one.yml':
        "x: { script: ['true'] }\nhand: { when: manual, script: ['true'] }\ndeep: { trigger: { include: two.yml, strategy: depend } }\n",
      'two.yml': "leaf: { script: ['true'] }\ntoo-deep: { allow_failure: true, trigger: { include: one.yml } }\n",
    });
    const all = await run(project);
    expect(all.exitCode).toBe(0);
    expect(all.statuses).toEqual({
      ...{ a: 'success', child: 'success', 'child/x': 'success', 'child/hand': 'manual', 'child/deep': 'success' },
      ...{ 'child/deep/leaf': 'success', 'child/deep/too-deep': 'failed' },
    });
    expect(all.jobs['child/deep/too-deep']).toMatchObject({ failureReason: 'reached_max_descendant_pipelines_depth' });
    const leaf = await run(project, ['child/deep/leaf']);
    expect(leaf.statuses).toEqual({
      ...{ child: 'success', 'child/deep': 'success', 'child/deep/leaf': 'success' },
    });
    const started = await run(project, ['child/x', '--manual', 'child/hand', 'child/hand']);
    expect(started.statuses).toEqual({ child: 'success', 'child/x': 'success', 'child/hand': 'success' });
    const unknown = await run(project, ['child/nobody']);
    expect(unknown.exitCode).toBe(1);
    expect(unknown.stdout).toContain('there is no job `nobody` in it');
  });

  it('take files and artifacts of a job that only an earlier run ran', async () => {
    using project = withFiles({
      '.gitlab-ci.yml': `
generate:
  stage: build
  script: ['echo "job: { script: [cat note], needs: [{ pipeline: \\$PARENT, job: generate }] }" > child.yml', 'echo from before > note']
  artifacts: { paths: [child.yml, note] }
dynamic:
  variables: { PARENT: $CI_PIPELINE_ID }
  trigger: { include: [{ artifact: child.yml, job: generate }], strategy: depend }
other: { script: ['true'] }
`,
    });
    const first = await run(project);
    expect(first.statuses, first.stdout).toMatchObject({ generate: 'success', 'dynamic/job': 'success' });
    // Another run in between, in which it had no part.
    expect((await run(project, ['other'])).exitCode).toBe(0);
    const again = await run(project, ['--from', 'dynamic']);
    expect(again.exitCode, again.stdout).toBe(0);
    expect(again.statuses).toEqual({ dynamic: 'success', 'dynamic/job': 'success' });
    expect(again.outputOf('dynamic/job')).toContain('from before\n');
  });

  it('that wait for somebody make their bridge wait, and name the job to start', async () => {
    using project = withFiles({
      '.gitlab-ci.yml': `
stages: [a, b]
child: { stage: a, trigger: { include: child.yml, strategy: depend } }
after: { stage: b, script: ['true'] }
`,
      'child.yml': 'stages: [gate, next]\ngate: { stage: gate, when: manual, allow_failure: false, script: [echo] }\n',
    });
    const plain = await runCi(['run', '--reporter', 'plain'], { cwd: project.root, home: project.home });
    expect(plain.exitCode, plain.stderr).toBe(0);
    expect(plain.stdout).toMatch(/child\s.*manual: its pipeline waits for child\/gate/);
    expect(plain.stdout).toMatch(/after\s.*skipped: waits for manual job child\/gate/);
    expect(plain.stdout).toMatch(/waiting to be started with --manual JOB: child\/gate\n/);
    const started = await run(project, ['--manual', 'child/gate']);
    expect(started.statuses).toEqual({ child: 'success', 'child/gate': 'success', after: 'success' });
  });

  it('end with the run: Ctrl-C reaches their jobs, also those that nobody waits for', async () => {
    using project = withFiles({
      '.gitlab-ci.yml': 'child: { trigger: { include: child.yml } }\n',
      'child.yml':
        "long: { script: ['echo begun; sleep 60'], after_script: ['echo cleaned up'] }\nnext: { stage: deploy, script: [echo] }\n",
    });
    const result = await run(project, [], {
      onStdout: (text, kill) => {
        if (text.includes('begun\\n')) kill('SIGINT');
      },
    });
    expect(result.exitCode).toBe(130);
    expect(result.statuses).toEqual({ child: 'success', 'child/long': 'canceled', 'child/next': 'canceled' });
    expect(result.outputOf('child/long')).toContain('cleaned up');
  });

  it('hand artifacts on where their parent says which pipeline it is', async () => {
    using project = withFiles({
      '.gitlab-ci.yml': `
build: { stage: build, script: ['echo built > file'], artifacts: { paths: [file] } }
child:
  variables: { PARENT: $CI_PIPELINE_ID }
  trigger: { include: child.yml, strategy: depend }
`,
      'child.yml': `
use: { needs: [{ pipeline: $PARENT, job: build }], script: ['cat file'] }
lost: { needs: [{ pipeline: $NOWHERE, job: build }], script: ['cat file'], allow_failure: true }
`,
    });
    const result = await run(project);
    expect(result.exitCode).toBe(0);
    expect(result.outputOf('child/use')).toContain('built\n');
    expect(result.jobs['child/lost']).toMatchObject({ failureReason: 'missing_dependency_failure' });
  });
});

describe('a child pipeline that is run again', () => {
  it('by --failed starts anew, with nothing of its own from before', async () => {
    using project = withFiles({
      '.gitlab-ci.yml': `
build: { stage: build, script: ['echo built > file'], artifacts: { paths: [file] } }
child: { trigger: { include: child.yml, strategy: depend } }
`,
      'child.yml': `
make: { stage: build, script: ['mkdir out; touch "out/$(cat round)"'], artifacts: { paths: [out] } }
use: { script: ['ls out', 'test -e out/second'] }
`,
      round: 'first',
    });
    const first = await run(project);
    expect(first.statuses).toMatchObject({ child: 'failed', 'child/make': 'success', 'child/use': 'failed' });
    expect(first.outputOf('child/use')).toContain('first\n');
    project.write('round', 'second');
    const again = await run(project, ['--failed']);
    expect(again.statuses).toEqual({ child: 'success', 'child/make': 'success', 'child/use': 'success' });
    expect(again.outputOf('child/use')).not.toContain('first');
  });

  it('by --failed where nobody waited for it and it did not end well', async () => {
    using project = withFiles({
      '.gitlab-ci.yml': "bad: { trigger: { include: c.yml } }\nfine: { script: ['true'] }\n",
      'c.yml': "one: { script: ['grep good state'] }\nlater: { stage: deploy, script: ['true'] }\n",
      state: 'bad',
    });
    expect((await run(project)).exitCode).toBe(0);
    project.write('state', 'good');
    const again = await run(project, ['--failed']);
    expect(again.statuses).toEqual({ bad: 'success', 'bad/one': 'success', 'bad/later': 'success' });
    expect((await run(project, ['--failed'])).stderr).toContain('nothing failed last time');
  });

  it('by --failed after the run was killed, with what comes after it', async () => {
    using project = withFiles({
      '.gitlab-ci.yml': `
build: { stage: build, script: ['true'] }
child: { trigger: { include: child.yml, strategy: depend } }
late: { stage: deploy, script: ['true'] }
`,
      'child.yml': 'slow: { script: [\'if [ -n "$FLAG" ]; then echo $$ > "$FLAG"; sleep 60; fi\'] }\n',
    });
    const flag = join(project.home, 'flag');
    const binary = new URL('../../bin/ci.js', import.meta.url).pathname;
    const killed = spawn(process.execPath, [binary, 'run', '--secret', 'FLAG'], {
      cwd: project.root,
      env: { ...plainEnvironment(project.home), FLAG: flag },
      stdio: 'ignore',
    });
    const ended = once(killed, 'exit');
    while (!existsSync(flag)) await new Promise((resolve) => setTimeout(resolve, 20));
    killed.kill('SIGKILL');
    await ended;
    const again = await run(project, ['--failed']);
    expect(again.statuses).toEqual({ child: 'success', 'child/slow': 'success', late: 'success' });
  });
});

describe('pipelines of other projects', () => {
  const other = () =>
    withFiles({
      '.gitlab-ci.yml': `
build:
  script: ['echo "$CI_PROJECT_PATH $CI_PIPELINE_SOURCE $FROM"', 'ls', 'echo out > out.txt', 'test -z "$FAIL"']
  artifacts: { paths: [out.txt] }
  cache: { key: k, paths: [cached] }
`,
      'only-there.txt': 'x',
    });

  it('run in the folder that --project names, with their own files and context', async () => {
    using there = other();
    using project = withFiles({
      '.gitlab-ci.yml': `
start: { variables: { FROM: here }, trigger: { project: group/other, strategy: depend } }
again: { variables: { FAIL: '1' }, trigger: { project: group/other, strategy: depend }, allow_failure: true }
`,
    });
    const result = await run(project, ['--project', `group/other=${there.root}`]);
    expect(result.exitCode, result.stderr).toBe(0);
    expect(result.outputOf('start/build')).toContain('group/other pipeline here\n');
    expect(result.outputOf('start/build')).toContain('only-there.txt\n');
    expect(result.statuses['again']).toBe('failed');
    expect(existsSync(join(there.root, 'out.txt'))).toBe(false);
  });

  it('are passed over where nobody has said where they lie; what comes after them runs', async () => {
    using project = withFiles({
      '.gitlab-ci.yml': "start: { trigger: group/other }\nafter: { needs: [start], script: ['true'] }\n",
    });
    const result = await run(project);
    expect(result.exitCode).toBe(0);
    expect(result.statuses).toEqual({ start: 'skipped', after: 'success' });
    expect(result.stdout).toContain('--project group/other=PATH');
  });

  it('may not be the project itself', async () => {
    using project = withFiles({ '.gitlab-ci.yml': 'start: { trigger: local/project }\n' });
    expect((await run(project)).jobs['start']).toMatchObject({ failureReason: 'invalid_bridge_trigger' });
  });

  it('give artifacts and their result from local runs', async () => {
    using there = other();
    using project = withFiles({
      '.gitlab-ci.yml': `
use: { needs: [{ project: group/other, job: build, ref: main, artifacts: true }], script: ['cat out.txt'] }
mirror: { needs: { pipeline: group/other } }
`,
    });
    const flags = ['--project', `group/other=${there.root}`];
    const before = await run(project, flags);
    expect(before.jobs['use']).toMatchObject({ failureReason: 'missing_dependency_failure' });
    expect(before.statuses['mirror']).toBe('skipped');
    await runCi(['run'], { cwd: there.root, home: project.home });
    const after = await run(project, flags);
    expect(after.statuses).toEqual({ use: 'success', mirror: 'success' });
    expect(after.outputOf('use')).toContain('out\n');
  });
});

describe.skipIf(engine === undefined)('child pipelines in containers', () => {
  it('leave nothing behind', async () => {
    using project = withFiles({
      '.gitlab-ci.yml': 'child: { trigger: { include: child.yml, strategy: depend } }\n',
      'child.yml':
        "default: { image: ci-test/busybox }\none: { script: ['echo in a container'] }\ntwo: { script: ['exit 2'] }\n",
    });
    const result = await run(project);
    expect(result.exitCode, result.stdout).toBe(1);
    expect(result.outputOf('child/one')).toContain('in a container\n');
    expect(result.statuses).toEqual({ child: 'failed', 'child/one': 'success', 'child/two': 'failed' });
    expect(await labelled(engine!.api, result)).toEqual([]);
  });
});
