import { describe, expect, it } from 'vitest';
import { runCi } from '../support/run-ci.ts';
import { type TemporaryProject, temporaryProject } from '../support/temporary-project.ts';

const config = `
version: 2.1
jobs:
  show:
    machine: true
    environment: { FROM_JOB: job }
    steps:
      - run: echo "token=$TOKEN file=$FILE job=$FROM_JOB branch=$CIRCLE_BRANCH var=$VAR secret=$SECRET"
      - run: echo "$TOKEN" | rev
workflows:
  w:
    jobs:
      - show: { context: [deploy, my org] }
      - show: { name: other, context: nowhere }
`;

const settings = `
[contexts.deploy]
TOKEN = "token-of-deploy"
FROM_JOB = "context"
VAR = "context"
SECRET = "context"
CIRCLE_BRANCH = "context"
env-file = "deploy.env"
[contexts."my org"]
TOKEN = "token-of-org"
`;

function project(toml = settings): TemporaryProject {
  const made = temporaryProject({ '.circleci/config.yml': config });
  made.write('../home/config/config.toml', toml);
  made.write('../home/config/deploy.env', 'FILE="value of the file"\n');
  return made;
}

const ci = (at: TemporaryProject, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runCi(args, { cwd: at.root, home: at.home, env });

describe('contexts', () => {
  it("come from the user's settings, below the job's own and above those of the command line, and don't show", async () => {
    using at = project();
    const args = ['run', '--reporter', 'plain', '--var', 'VAR=given', '--var', 'ONLY=given', '--secret', 'SECRET'];
    const { stdout, exitCode } = await ci(at, args, { SECRET: 'given-secret' });
    expect(exitCode, stdout).toBe(0);
    expect(stdout).toContain('token=[MASKED] file=[MASKED] job=job branch=main var=[MASKED] secret=[MASKED]');
    expect(stdout).toContain('gro-fo-nekot');
    expect(stdout).toContain('token= file= job=job branch=main var=given secret=[MASKED]');
    expect(stdout).toContain('the context `nowhere` is not on this machine: w/other will run without its variables');
    expect(stdout).toContain(`[contexts.nowhere]\` in ${at.home}/config/config.toml`);
    for (const secret of ['token-of', 'value of the file', 'given-secret']) expect(stdout).not.toContain(secret);
  });

  it('never show in what reads the file', async () => {
    using at = project();
    for (const args of [
      ['lint'],
      ['list'],
      ['list', '--format', 'json'],
      ['plan'],
      ['plan', '--format', 'json'],
      ['explain', 'w/show'],
      ['config'],
    ]) {
      const { stdout, stderr } = await ci(at, args);
      expect(stdout + stderr, args.join(' ')).not.toMatch(/token-of|value of the file/);
    }
  });

  it.each([
    ['[contexts]\ndeploy = 1', 'config.toml:2: `contexts.deploy` must be a table'],
    ['contexts = 1', 'config.toml:1: `contexts` must be a table'],
    ['[contexts.deploy]\n"A B" = "secret-value"', 'config.toml:1: `contexts.deploy.A B` is no variable'],
    ['[contexts.deploy]\nA = ["secret-value"]', 'config.toml:1: `contexts.deploy.A` is no variable'],
    ['[contexts.deploy]\nenv-file = 1', 'config.toml:1: `env-file` must be a path, or a list of paths'],
    ['[contexts.deploy]\nenv-file = "gone.env"', "config.toml:1: env-file can't be read: ENOENT"],
  ])('are refused: %s', async (toml, message) => {
    using at = project(toml);
    const { stderr, exitCode } = await ci(at, ['plan']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('secret-value');
  });

  it("are not taken from the repository's settings", async () => {
    using at = project('');
    at.write('.ci.toml', '[contexts.nowhere]\nTOKEN = "from the repository"\n');
    const { stdout, stderr } = await ci(at, ['run', 'w/other', '--reporter', 'plain']);
    expect(stdout + stderr).toMatch(/\.ci\.toml:1: `contexts` is ignored here/);
    expect(stdout).toContain('token= ');
  });
});
