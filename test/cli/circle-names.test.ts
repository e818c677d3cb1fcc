import { describe, expect, it } from 'vitest';
import { runCi } from '../support/run-ci.ts';
import { temporaryProject } from '../support/temporary-project.ts';

const config = `version: 2.1
jobs:
  build:
    machine: true
    steps:
      - checkout
      - run: { name: Prepare, command: echo prepared }
      - run: echo "a command without a name"
  check:
    machine: true
    parallelism: 2
    steps:
      - run: { name: Look at it, command: "echo looked; exit 3" }
      - run: { name: Clean up, command: "true", when: always }
  release:
    machine: true
    steps: [run: echo released]
workflows:
  main:
    jobs:
      - build: { filters: { branches: { only: main } } }
      - check
      - hold: { type: approval, requires: [build] }
      - release: { requires: [hold] }
`;

describe("CircleCI's names", () => {
  it('of steps are told when they begin, and of the one that failed in the end', async () => {
    using project = temporaryProject({ '.circleci/config.yml': config });
    const args = ['run', '-j', '1', 'build', 'check'];
    const { stdout, exitCode } = await runCi(args, { cwd: project.root, home: project.home });
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/main\/build +\| ==> Prepare\n.*prepared\n.*\| ==> echo "a command without a name"\n/);
    expect(stdout).toContain('main/check 1/2: exit code 3 in "Look at it"\n');
  });

  it('of filters stand where it says why a job is in', async () => {
    using project = temporaryProject({ '.circleci/config.yml': config });
    const { stdout } = await runCi(['list'], { cwd: project.root, home: project.home });
    expect(stdout).toMatch(/main\/build .* its filters let the branch main in\n/);
    expect(stdout).toMatch(/main\/check \(2\) .* it has no filters\n/);
  });
});
