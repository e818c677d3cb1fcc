import { describe, expect, it } from 'vitest';
import { processText } from './support.ts';

const job = (more = ''): string => `version: 2.1\n${more}`;

async function told(text: string, given = {}): Promise<readonly string[]> {
  const { diagnostics } = await processText(text, given);
  return diagnostics.map(({ code, span }) => `${code}@${text.slice(0, span!.start).split('\n').length}`);
}

describe('a CircleCI configuration', () => {
  it('has commands, executors and parameters put in', async () => {
    const { config, diagnostics } = await processText(`version: 2.1
parameters: { image-tag: { type: string, default: stable } }
executors:
  node:
    parameters: { tag: { type: string, default: lts } }
    docker: [{ image: 'cimg/node:<< parameters.tag >>' }]
    environment: { FROM: executor, KEPT: 'yes' }
commands:
  greet:
    parameters:
      to: { type: string }
      loud: { type: boolean, default: false }
    steps:
      - run: echo << parameters.to >>
      - when: { condition: << parameters.loud >>, steps: [run: 'echo LOUD'] }
      - unless: { condition: << parameters.loud >>, steps: [run: { command: 'echo quiet' }] }
jobs:
  build:
    parameters: { who: { type: string, default: you } }
    executor: { name: node, tag: << pipeline.parameters.image-tag >> }
    environment: { FROM: job }
    steps:
      - checkout
      - greet: { to: '<< parameters.who >> and << pipeline.git.branch >>', loud: yes }
      - greet: { to: '\\<< literal' }
workflows:
  main:
    jobs: [build: { who: me }]
`);
    expect(diagnostics).toEqual([]);
    expect(config).toEqual({
      version: 2,
      jobs: {
        build: {
          docker: [{ image: 'cimg/node:stable' }],
          environment: [{ FROM: 'job' }, { KEPT: 'yes' }],
          steps: [
            'checkout',
            { run: { command: 'echo me and main' } },
            { run: { command: 'echo LOUD' } },
            { run: { command: 'echo << literal' } },
            { run: { command: 'echo quiet' } },
          ],
        },
      },
      workflows: { main: { jobs: ['build'] }, version: 2 },
    });
  });

  it('has matrices multiplied out, with names, exclusions, aliases and requirements', async () => {
    const { config, diagnostics } = await processText(`version: 2.1
jobs:
  test:
    parameters: { os: { type: string }, version: { type: string } }
    machine: { image: << parameters.os >> }
    steps: [run: 'test << parameters.version >>']
  done: { type: no-op }
workflows:
  main:
    jobs:
      - test:
          matrix:
            parameters: { version: ['1', '2'], os: [linux, mac] }
            exclude: [{ version: '2', os: mac }]
      - test:
          name: named-<< matrix.version >>
          matrix: { alias: more, parameters: { version: ['3', '4'] } }
          os: linux
          requires: [test-linux-1]
      - done: { requires: [test, more: [failed, success]] }
`);
    expect(diagnostics).toEqual([]);
    const { jobs, workflows } = config as { jobs: object; workflows: { main: unknown } };
    expect(Object.keys(jobs)).toEqual(['test-linux-1', 'test-mac-1', 'test-linux-2', 'named-3', 'named-4', 'done']);
    const success = ['success'];
    expect(workflows.main).toEqual({
      jobs: [
        'test-linux-1',
        'test-mac-1',
        'test-linux-2',
        { 'named-3': { requires: ['test-linux-1'], upstream: { 'test-linux-1': success } } },
        { 'named-4': { requires: ['test-linux-1'], upstream: { 'test-linux-1': success } } },
        {
          done: {
            requires: ['test-linux-1', 'test-mac-1', 'test-linux-2', 'named-3', 'named-4'],
            upstream: {
              'test-linux-1': success,
              'test-mac-1': success,
              'test-linux-2': success,
              'named-3': ['failed', 'success'],
              'named-4': ['failed', 'success'],
            },
          },
        },
      ],
    });
  });

  it('gives steps to commands and jobs where the names of their writer are known', async () => {
    const { config, diagnostics } = await processText(`version: 2.1
orbs:
  tools:
    executors: { default: { docker: [{ image: orb/image }] } }
    commands:
      own: { steps: [run: 'orb own'] }
      around:
        parameters: { inner: { type: steps, default: [own] } }
        steps: [run: before, steps: << parameters.inner >>, run: after]
    jobs:
      task:
        parameters: { first: { type: steps, default: [] }, where: { type: executor, default: default } }
        executor: << parameters.where >>
        steps: [steps: << parameters.first >>, around]
executors: { mine: { docker: [{ image: my/image }] } }
commands:
  own: { steps: [run: 'my own'] }
workflows:
  main:
    jobs:
      - tools/task: { first: [own], where: mine, pre-steps: [checkout], post-steps: [own] }
      - tools/task: { name: plain }
`);
    expect(diagnostics).toEqual([]);
    const run = (command: string) => ({ run: { command } });
    expect((config as { jobs: unknown }).jobs).toEqual({
      'tools/task': {
        docker: [{ image: 'my/image' }],
        steps: ['checkout', run('my own'), run('before'), run('orb own'), run('after'), run('my own')],
      },
      plain: { docker: [{ image: 'orb/image' }], steps: [run('before'), run('orb own'), run('after')] },
    });
  });

  it('finds orbs beside it, and does without those that are not there', async () => {
    const text = `version: 2.1
orbs: { node: circleci/node@5.1, slack: circleci/slack@4 }
jobs:
  build: { docker: [{ image: a }], steps: [node/install, slack/notify: { event: fail }, run: go] }
workflows: { main: { jobs: [build, node/test, slack/on-hold] } }
`;
    const orb = `commands: { install: { steps: [run: install] } }
jobs: { test: { docker: [{ image: b }], steps: [install] } }
`;
    const { processed, config, diagnostics } = await processText(text, { orbs: { '.circleci/orbs/node.yml': orb } });
    expect(diagnostics.map(({ code, severity }) => `${severity} ${code}`)).toEqual([
      'warning circle/missing-orb',
      'warning circle/missing-orb',
    ]);
    expect(diagnostics[0]!.hint).toContain('.circleci/orbs/circleci/slack.yml');
    expect((config as { jobs: { 'node/test': unknown } }).jobs['node/test']).toEqual({
      docker: [{ image: 'b' }],
      steps: [{ run: { command: 'install' } }],
    });
    expect(processed.workflows[0]!.jobs.map(({ name, missingOrbs }) => [name, missingOrbs])).toEqual([
      ['build', ['circleci/slack@4']],
      ['node/test', []],
      ['slack/on-hold', ['circleci/slack@4']],
    ]);
  });

  it('leaves `<<` of a version 2 file alone', async () => {
    const { config, diagnostics } = await processText(
      "version: 2\njobs: { build: { docker: [{ image: a }], steps: [run: 'cat << EOF >> x'] } }\n",
    );
    expect(diagnostics).toEqual([]);
    expect(config).toMatchObject({ jobs: { build: { steps: [{ run: { command: 'cat << EOF >> x' } }] } } });
  });

  it.each([
    ['when: << pipeline.parameters.on >>', true],
    ['when: { not: << pipeline.parameters.on >> }', false],
    ['unless: << pipeline.parameters.on >>', false],
    ['when: { equal: [main, << pipeline.git.branch >>] }', true],
    ['when: { and: [true, { equal: [1, << pipeline.number >>] }] }', true],
    ['when: { or: [false, << pipeline.git.tag >>] }', false],
    ['when: { matches: { pattern: ^ma.n$, value: << pipeline.git.branch >> } }', true],
    [`when: 'pipeline.git.branch == "main" and not pipeline.git.tag'`, true],
    ['when: << pipeline.git.branch.is_default >>', true],
    ['when: ""', false],
  ])('decides a workflow with %s: %s', async (condition, isIn) => {
    const { processed, diagnostics } = await processText(`version: 2.1
parameters: { on: { type: boolean, default: true } }
jobs: { build: { docker: [{ image: a }], steps: [checkout] } }
workflows: { main: { ${condition}, jobs: [build] } }
`);
    expect(diagnostics).toEqual([]);
    expect(processed.workflows[0]!.leftOutBecause === undefined).toBe(isIn);
  });

  const build = 'jobs: { build: { docker: [{ image: a }], steps: [checkout] } }\n';
  it.each<readonly [string, string]>([
    ['circle/version@1', build],
    ['circle/version@1', `version: 2\nsetup: true\n${build}`],
    [
      'circle/step@2',
      job('jobs: { build: { docker: [{ image: a }], steps: [setup_remote_docker, setup_remote_docker: {}] } }\n'),
    ],
    ['circle/workflow@2', job(`workflows: { main: { jobs: [build: { name: " " }] } }\n${build}`)],
    ['circle/nothing-to-run@2', job('jobs: { other: { docker: [{ image: a }], steps: [checkout] } }\n')],
    ['circle/unknown-job@2', job(`workflows: { main: { jobs: [biuld] } }\n${build}`)],
    ['circle/unknown-step@2', job('jobs: { build: { docker: [{ image: a }], steps: [chekout] } }\n')],
    ['circle/job@2', job('jobs: { build: { steps: [checkout] } }\n')],
    ['circle/job@2', job('jobs: { build: { machine: true, docker: [{ image: a }], steps: [checkout] } }\n')],
    ['circle/unknown-executor@2', job('jobs: { build: { executor: none, steps: [checkout] } }\n')],
    [
      'circle/unknown-parameter@2',
      job("jobs: { build: { docker: [{ image: a }], steps: [run: 'x << parameters.y >>'] } }\n"),
    ],
    ['circle/unknown-requirement@2', job(`workflows: { main: { jobs: [build: { requires: [none] }] } }\n${build}`)],
    ['circle/unexpected-argument@2', job(`workflows: { main: { jobs: [build: { x: 1 }] } }\n${build}`)],
    ['circle/matrix@2', job(`workflows: { main: { jobs: [build: { matrix: { parameters: { x: [] } } }] } }\n${build}`)],
    ['circle/workflow@2', job(`workflows: { main: { jobs: [] } }\n${build}`)],
    ['circle/orb@2', job(`orbs: { x: nonsense }\n${build}`)],
    ['circle/parameter@2', job(`parameters: { x: { type: executor, default: a } }\n${build}`)],
    ['circle/wrong-type@2', job(`commands: [a]\n${build}`)],
    ['circle/condition@2', job(`workflows: { main: { when: { nor: [1] }, jobs: [build] } }\n${build}`)],
    ['circle/expression@2', job(`workflows: { main: { when: 'pipeline.x ==', jobs: [build] } }\n${build}`)],
    ['circle/unescaped-tag@2', job("jobs: { build: { docker: [{ image: a }], steps: [run: 'cat <<EOF'] } }\n")],
  ])('says %s', async (expected, text) => {
    expect(await told(text)).toContain(expected);
  });

  it('tells a command that calls itself with the way', async () => {
    const { diagnostics } = await processText(`version: 2.1
commands: { a: { steps: [b] }, b: { steps: [a] } }
jobs: { build: { docker: [{ image: x }], steps: [a] } }
`);
    expect(diagnostics.map(({ message }) => message)).toEqual(['the command `a` calls itself: a → b → a']);
  });

  it.each([
    ['type: string', 'true', 'must be a text'],
    ['type: boolean', '3', 'must be `true` or `false`'],
    ['type: integer', '1.5', 'must be a whole number'],
    ['type: enum, enum: [a, b]', 'c', 'must be one of a, b'],
    ['type: steps', 'text', 'must be a list of steps'],
    ['type: executor', '[a]', 'must be an executor'],
    ['type: env_var_name', '1X', 'must be the name of an environment variable'],
  ])('refuses a wrong argument for a parameter with %s', async (type, value, message) => {
    const { diagnostics } = await processText(`version: 2.1
jobs: { build: { parameters: { x: { ${type} } }, docker: [{ image: a }], steps: [checkout] } }
workflows: { main: { jobs: [build: { x: ${value} }] } }
`);
    expect(diagnostics.map((each) => each.message).join()).toContain(message);
  });
});
