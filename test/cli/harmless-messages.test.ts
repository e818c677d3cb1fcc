import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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

describe('names that no program can be given', () => {
  const includes = {
    ref: '{ project: g/x, file: a.yml, ref: "a\\0b" }',
    'long ref': `{ project: g/x, file: a.yml, ref: "${'x'.repeat(200_000)}" }`,
  };
  it.each(Object.entries(includes))('as %s of an include are told as a mistake', async (_, include) => {
    using project = temporaryProject({ '.gitlab-ci.yml': `include: ${include}\na: { script: ['true'] }\n` });
    project.git('remote', 'add', 'origin', 'https://gitlab.example.invalid/g/p.git');
    const { exitCode, stderr } = await runCi(['fetch'], { cwd: project.root, home: project.home });
    expect(stderr).toContain('git takes no such name [gitlab/include-not-fetched]');
    expect(exitCode).toBe(4);
  });

  it('as a revision to compare with are told as a mistake', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': 'a:\n  script: [x]\n  rules: [{ changes: { paths: [b], compare_to: "a\\0b" } }]\n',
    });
    const { exitCode, stderr } = await runCi(['plan'], { cwd: project.root, home: project.home });
    expect(stderr).toContain('[plan/unknown-revision]');
    expect(exitCode).toBe(3);
  });

  it('do not end a run as paths of a cache key', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': 'a: { script: ["true"], cache: { key: { files_commits: ["a\\0b"] }, paths: [x] } }\n',
    });
    const { exitCode } = await runCi(['run', '--executor', 'shell'], { cwd: project.root, home: project.home });
    expect(exitCode).toBe(0);
  });
});

describe('secrets of the user', () => {
  const token = 'glpat-0123456789';

  it('are not told by messages about a settings file that is none', async () => {
    using project = temporaryProject({ '.gitlab-ci.yml': "a: { script: ['true'] }\n" });
    mkdirSync(join(project.home, 'config'));
    writeFileSync(join(project.home, 'config/config.toml'), `[tokens]\n"gitlab.com" = "${token}\n`);
    const { exitCode, stderr } = await runCi(['lint'], { cwd: project.root, home: project.home });
    expect(stderr).toContain('config.toml:2:');
    expect(stderr).not.toContain(token);
    expect(exitCode).toBe(2);
  });

  it.each(['local: $TOKEN.yml', 'remote: https://none.invalid/$TOKEN/a.yml', 'local: "a-$TOKEN"'])(
    'are not told by messages about an include: %s',
    async (include) => {
      using project = temporaryProject({ '.gitlab-ci.yml': `include: { ${include} }\na: { script: ['true'] }\n` });
      const env = { TOKEN: token };
      const args = ['run', '--secret', 'TOKEN', '--executor', 'shell'];
      const { exitCode, stdout, stderr } = await runCi(args, { cwd: project.root, home: project.home, env });
      expect(stdout + stderr).toContain('[MASKED]');
      expect(stdout + stderr).not.toContain(token);
      expect([3, 4]).toContain(exitCode);
    },
  );
});

describe('settings of the repository', () => {
  it('do not take the user online', async () => {
    using project = temporaryProject({
      '.gitlab-ci.yml': "include: { remote: 'https://none.invalid/a.yml' }\na: { script: ['true'] }\n",
      '.ci.toml': 'offline = false\nconstructor = 1\n',
    });
    mkdirSync(join(project.home, 'config'));
    writeFileSync(join(project.home, 'config/config.toml'), 'offline = true\n');
    const { exitCode, stderr } = await runCi(['run', '--executor', 'shell'], { cwd: project.root, home: project.home });
    expect(stderr).toMatch(/\.ci\.toml:1: `offline` is ignored here/);
    expect(stderr).toContain('there is no setting `constructor`');
    expect(stderr).toContain('[gitlab/include-not-read]');
    expect(exitCode).toBe(0);
  });
});
