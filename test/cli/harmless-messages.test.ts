import { describe, expect, it } from 'vitest';
import { runCi } from '../support/run-ci.ts';
import { temporaryProject } from '../support/temporary-project.ts';

/** Clears the screen, and writes a title. */
const evil = '\x1b[2J\x1b]0;title\x07';
const acting = /[\x00-\x09\x0b-\x1f\x7f-\x9f]/;

describe('what a repository or an engine writes', () => {
  it('does nothing to the terminal in messages', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': `"a${'\\u001b'}[2J": { image: x, script: ['true'] }\n`,
      '.ci.toml': '"evil\\u001b[2J" = 1\n',
    });
    const given = { cwd: project.root, home: project.home, env: { DOCKER_HOST: `unix:///none/${evil}` } };
    for (const args of [['run'], ['plan'], ['explain', 'a*'], ['run', 'b'], ['runs'], ['list', '--failed']]) {
      const { stdout, stderr } = await runCi(args, given);
      expect(stdout + stderr, args.join(' ')).not.toMatch(acting);
      if (args[0] === 'run') expect(stderr).toContain('there is no setting `evil`');
    }
  });

  it('keeps its lines', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': "a: { image: x, script: ['true'] }\n" });
    const env = { DOCKER_HOST: 'unix:///none.sock' };
    const { stderr } = await runCi(['run'], { cwd: project.root, home: project.home, env });
    expect(stderr).toMatch(/^ci: job a runs in a container: .*\n {2}start Docker or Podman/m);
  });
});

describe('variables of ci itself', () => {
  it('are told when they are mistyped', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': "a: { script: ['true'] }\n" });
    const env = { CI_CLI_EXECUTER: 'docker', CI_CLI_SOMETHING_ELSE: '1', CI_CLI_CONCURRENCY: '2' };
    const { exitCode, stderr } = await runCi(['list'], { cwd: project.root, home: project.home, env });
    expect(exitCode).toBe(0);
    expect(stderr.split('\n').filter((line) => line.includes('CI_CLI'))).toEqual([
      'ci: the variable CI_CLI_EXECUTER means nothing to ci, did you mean `CI_CLI_EXECUTOR`?',
      'ci: the variable CI_CLI_SOMETHING_ELSE means nothing to ci',
    ]);
  });
});
